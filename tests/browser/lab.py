"""What a person does in JupyterLab, and what a person sees there."""

from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import nbformat
import psutil

if TYPE_CHECKING:
    from pathlib import Path

READY = """() => {
    const context = window.jupyterapp?.shell.currentWidget?.context;
    return Boolean(context?.isReady && context.sessionContext.isReady);
}"""
NOTHING_RUNS = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const waiting = [...panel.node.querySelectorAll('.jp-InputPrompt')].some(each => each.textContent.includes('*'));
    return !waiting && panel.context.sessionContext.session?.kernel?.status === 'idle';
}"""


@dataclass(frozen=True)
class Server:
    address: str
    token: str
    folder: Path
    path: str

    def ask(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(  # noqa: S310 - it is ours
            f"{self.address}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            body = answer.read()
        return json.loads(body) if body else None


class Lab:
    def __init__(self, server, page):
        self.server, self.page = server, page
        page.on("dialog", lambda dialog: dialog.accept())

    def open(self, name, *, theme="JupyterLab Light"):
        self.page.goto(f"{self.server.address}/{self.server.path}/{name}?token={self.server.token}&reset")
        self.page.wait_for_function(READY)
        self.theme(theme)

    def write(self, name, *cells):
        """Put a notebook where the server finds it; cells are code."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(notebook, self.server.folder / name)

    def command(self, name, arguments=None):
        """Start a command; some end only when the cells they run do, so nobody waits for it."""
        self.page.evaluate(
            "([name, given]) => { window.jupyterapp.commands.execute(name, given).catch(console.error); }",
            [name, arguments or {}],
        )

    def theme(self, name):
        self.command("apputils:change-theme", {"theme": name})
        self.page.wait_for_selector(f'body[data-jp-theme-name="{name}"]', state="attached")

    def run_all(self):
        self.command("notebook:run-all-cells")

    def run_cell(self, number):
        self.page.evaluate(
            "number => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = number; }", number
        )
        self.command("notebook:run-cell")

    def wait_until_done(self, timeout_s=150):
        self.page.wait_for_timeout(300)  # for the prompts to show that cells wait
        self.page.wait_for_function(NOTHING_RUNS, timeout=timeout_s * 1000)

    def save(self):
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def notebook(self):
        """The notebook as it is in the browser now."""
        text = self.page.evaluate("() => JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON())")
        return nbformat.reads(text, as_version=4)

    def outputs(self, number):
        """Where the outputs of the cell with this number are on the page."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number).locator(".jp-OutputArea-output")

    def cell(self, number):
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def kernel_pid(self):
        """The process of the only kernel of this page."""
        name = self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.id"
        )
        found = [each.pid for each in psutil.process_iter() if any(name in word for word in command_line(each))]
        assert len(found) == 1, found
        return found[0]

    def shut_down_kernels(self):
        for session in self.server.ask("sessions"):
            self.server.ask(f"sessions/{session['id']}", "DELETE")


def command_line(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def workers(kernel_pid):
    """Worker processes that this kernel started, whether it still lives or not."""
    found = []
    for process in psutil.process_iter():
        words = command_line(process)
        script = next((place for place, word in enumerate(words) if word.endswith("workers/child.py")), None)
        if script is not None and json.loads(words[script + 1])["parent"] == kernel_pid:
            found.append(process)
    return found


def wait_until_gone(kernel_pid, seconds):
    """The workers that are still there after this time."""
    until = time.monotonic() + seconds
    while (left := workers(kernel_pid)) and time.monotonic() < until:
        time.sleep(0.1)
    return left
