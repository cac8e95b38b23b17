"""Files in Netron, which draws the graphs in them: https://github.com/lutzroeder/netron (MIT).

Each is served by a process of its own: in one process Netron shows the same file at every address, and it would set up
the logging of whoever calls it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import webbrowser
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

_INSTALL = 'pip install "inferspeed-magic[netron]"'
#: Serves the file until its input ends, which it does when this process does, however it ends.
_SERVE = """
import sys
answer, sys.stdout = sys.stdout, sys.stderr
import netron
print(*netron.start(sys.argv[1], browse=False), file=answer, flush=True)
sys.stdin.read()
"""


@dataclass
class _Server:
    """A process that serves a file.

    Attributes:
        owner: what the file lies in; held for as long as it is served.
        process: that serves it.
        url: where.
    """

    owner: Any
    process: subprocess.Popen[str]
    url: str


_running: dict[str, _Server] = {}


def require() -> None:
    """Look for Netron.

    Raises:
        UserError: where it is not installed.
    """
    if find_spec("netron") is None:
        raise UserError(f"Netron is not installed: {_INSTALL}")


def served(file: Path, owner: Any, *, browse: bool) -> str:
    """Serve a file to browsers on this machine until this process ends; one that is served already stays where it is.

    Args:
        file: in any format that Netron reads.
        owner: what keeps the file; held until then.
        browse: open a browser, if this machine has a screen.

    Returns:
        The address.

    Raises:
        UserError: where Netron does not start.
    """
    require()
    server = _running.get(str(file))
    if server is None or server.process.poll() is not None:
        server = _running[str(file)] = _start(file, owner)
    if browse and _has_screen():
        webbrowser.open(server.url)
    return server.url


def stop() -> None:
    """End all servers."""
    for server in _running.values():
        server.process.kill()
        server.process.wait()
        for stream in (server.process.stdin, server.process.stdout):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()
    _running.clear()


atexit.register(stop)


def _start(file: Path, owner: Any) -> _Server:
    process = subprocess.Popen(  # noqa: S603  (our own interpreter)
        [sys.executable, "-c", _SERVE, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # An interrupt of the notebook is not meant for it.
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101  (it is a pipe)
    host, _, port = process.stdout.readline().strip().partition(" ")
    if not port:
        process.kill()
        process.communicate()
        raise UserError(f"Netron did not start: try `python -m netron {file}`, or install it anew: {_INSTALL}")
    return _Server(owner, process, f"http://{host}:{port}")


def _has_screen() -> bool:
    """Tell whether a browser could show anything: without a screen Python may start one that fills the terminal."""
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
