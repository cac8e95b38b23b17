"""A real JupyterLab and a real browser, with nobody else on the network."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lab import Lab, Server
from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PICTURES = Path(__file__).parents[2] / "build" / "pictures"
FLAGS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# No question about news, no cell that is left out of the page until somebody scrolls to it.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """JupyterLab."""
    options = ["--LabApp.expose_app_in_browser=True"]
    options += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with serving(tmp_path_factory, "jupyterlab", "lab/tree", options) as server:
        yield server


@pytest.fixture(scope="session")
def notebook_server(tmp_path_factory):
    """Notebook 7."""
    pytest.importorskip("notebook")
    options = ["--JupyterNotebookApp.expose_app_in_browser=True"]
    with serving(tmp_path_factory, "notebook", "notebooks", options) as server:
        yield server


@contextlib.contextmanager
def serving(tmp_path_factory, module, path, options):
    """Start an application of Jupyter's that knows nothing of this user's settings."""
    home = tmp_path_factory.mktemp("home")
    notebooks = tmp_path_factory.mktemp("notebooks")
    for name, settings in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings), encoding="utf-8")
    environment = os.environ | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        **{f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")},
    }
    port = free_port()
    log = home / "server.log"
    command = [
        *(sys.executable, "-m", module, "--no-browser", "--ip=127.0.0.1", f"--port={port}"),
        *("--ServerApp.port_retries=0", "--IdentityProvider.token=t", *options),
        *(["--allow-root"] if os.geteuid() == 0 else []),
    ]
    with (
        log.open("wb") as stream,
        subprocess.Popen(command, cwd=notebooks, env=environment, stdout=stream, stderr=subprocess.STDOUT) as process,
    ):
        try:
            wait_until_up(f"http://127.0.0.1:{port}/api/status?token=t", process, log)
            yield Server(f"http://127.0.0.1:{port}", "t", notebooks, path)
        finally:
            process.terminate()  # the server ends its kernels
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(url, process, log):
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - it is ours
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{log.read_text(encoding='utf-8')}")


@pytest.fixture(scope="module")  # its event loop must be gone before tests of another folder start their own
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS), chromium_sandbox=False)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def strangers():
    """Addresses outside this machine that a page asked for."""
    return []


@pytest.fixture(scope="module")
def context(browser, strangers):
    # High enough for a picture of a whole report.
    context = browser.new_context(viewport={"width": 1280, "height": 2600})
    context.set_default_timeout(40_000)

    def keep_home(route):
        if is_local(route.request.url):
            route.continue_()
        else:
            strangers.append(route.request.url)
            route.abort()

    context.route("**/*", keep_home)
    context.on("page", lambda page: page.on("websocket", lambda each: is_local(each.url) or strangers.append(each.url)))
    yield context
    context.close()


def is_local(url):
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob", "file") or parts.hostname == "127.0.0.1"


@pytest.fixture(autouse=True)
def nothing_leaves_the_machine(strangers):
    yield
    assert strangers == []


@pytest.fixture(scope="module")
def lab(server, context):
    """JupyterLab in a tab of its own; at the end its kernel is shut down."""
    page = context.new_page()
    lab = Lab(server, page)
    yield lab
    lab.shut_down_kernels()
    page.close()


@pytest.fixture
def fresh_lab(server, context):
    """The same for one test alone."""
    page = context.new_page()
    lab = Lab(server, page)
    yield lab
    lab.shut_down_kernels()
    page.close()


@pytest.fixture(scope="session")
def pictures():
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES


@pytest.fixture(scope="session")
def repository():
    return Path(__file__).parents[2]
