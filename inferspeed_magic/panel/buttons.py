"""Buttons below a panel: what they do runs where it can be interrupted, and what comes of it is said in one line.

A saved notebook keeps the reference to a widget but not the widget, and JupyterLab then shows "model not found" in its
place. The output has a text/html side that is empty, for front ends that fall back; for the others the panel's script
hides what has died.
"""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UserError, WorkerError
from inferspeed_magic.panel.parts import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

_VIEW = "application/vnd.jupyter.widget-view+json"


def show_below(make: Callable[[], Any]) -> None:
    """Show the widget that ``make`` makes; whatever widgets do not do here, the panel above stays."""
    from IPython.display import display

    with suppress(Exception):
        view = {"version_major": 2, "version_minor": 0, "model_id": make().model_id}
        display({_VIEW: view, "text/html": "", "text/plain": ""}, raw=True)


class Actions:
    """Buttons of which one works at a time.

    Args:
        interrupted: what to say when the user interrupts an action.

    Attributes:
        status: the widget that says what came of the last action.
    """

    def __init__(self, interrupted: str) -> None:
        import ipywidgets as widgets

        self.status = widgets.HTML()
        self._interrupted = interrupted
        self._buttons: list[Any] = []

    def line(self, label: str, field: Any, action: str, act: Callable[[], str]) -> Any:
        """Make a field with a button behind it; ``act`` gives what to say when it is done."""
        import ipywidgets as widgets

        field.description = label
        field.style = {"description_width": "initial"}
        return widgets.HBox([field, self.button(action, label, act)], layout={"margin": "0 1em 0 0"})

    def button(self, action: str, label: str, act: Callable[[], str]) -> Any:
        """Make a button; ``label`` says what it acts on."""
        import ipywidgets as widgets

        button = widgets.Button(description=action, tooltip=f"{action}: {label.lower()}", layout={"width": "auto"})
        button.on_click(lambda _: on_main_thread(lambda: self._do(act)))
        self._buttons.append(button)
        return button

    def _do(self, act: Callable[[], str]) -> None:
        """Run an action with the buttons off; whatever comes of it is said in one line."""
        for button in self._buttons:
            button.disabled = True
        try:
            said = act()
        except (UserError, WorkerError) as error:
            said = str(error)
        except KeyboardInterrupt:
            said = self._interrupted
        except Exception as error:  # noqa: BLE001  (a traceback of a callback would be shown nowhere)
            said = f"{type(error).__name__}: {error}"
        finally:
            for button in self._buttons:
                button.disabled = False
        self.status.value = f"<div>{escape(one_line(said))}</div>"


def on_main_thread(act: Callable[[], None]) -> None:
    """Run there, where an interrupt arrives and cells wait until it is done.

    Newer kernels answer widgets in a thread beside the one that runs cells: nothing could stop the work there, and
    cells would run, and disturb, meanwhile.
    """
    if threading.current_thread() is threading.main_thread():
        act()
        return
    loop = _main_loop()
    if loop is None:
        act()
    else:
        loop.call_soon_threadsafe(_interruptible, act)


def _main_loop() -> Any:
    """Find the event loop of the kernel's main thread; None where there is none."""
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython.get_ipython() if ipython else None, "kernel", None)
    return getattr(getattr(kernel, "io_loop", None), "asyncio_loop", None)


def _interruptible(act: Callable[[], None]) -> None:
    """Let SIGINT raise KeyboardInterrupt as it does in a cell; between cells kernels ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        act()
    finally:
        signal.signal(signal.SIGINT, before)
