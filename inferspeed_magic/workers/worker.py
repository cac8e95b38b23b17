"""One child process, seen from the parent: send a job, wait for the reply, within limits of time and memory."""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from inferspeed_magic.errors import WorkerError
from inferspeed_magic.workers.child import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Sequence

_PACKAGE = Path(__file__).resolve().parent.parent
_WATCH_S = 0.25
_GRACE_S = 2.0
_LINE_CHARACTERS = 300


#: What libraries say by the way, and the code that Python shows below its warnings.
_IDLE_TALK = re.compile(r"  |W0000|I0000|WARNING|\S+:\d+: \w*Warning:")


class Worker:
    """A child process that does jobs one at a time; a second thread waits until the first has its reply.

    Make it in a thread that outlives it: Linux ties the child's life to the thread that started it.

    Args:
        name: for messages, and of the log file.
        folder: where the log of the child's standard output and error goes.
        interpreter: the Python to start; another one than ours where a runtime has a venv of its own.
        environment: variables on top of ours.
        search_path: entries to append to the child's ``sys.path`` (the user's own modules).
        memory_limit_mb: resident memory above which the child is killed.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        interpreter: str | None = None,
        environment: dict[str, str] | None = None,
        search_path: Sequence[str] = (),
        memory_limit_mb: float | None = None,
    ) -> None:
        self.name = name
        self.log = folder / f"{name.replace('/', '_')}.log"
        self._memory_limit_mb = memory_limit_mb
        self._buffer = b""
        self._jobs = 0
        self._busy = threading.RLock()
        self._buried = False
        #: Whether it is paused.
        self.stopped = False
        command = [interpreter or sys.executable, str(_PACKAGE / "workers" / "child.py")]
        start = {"parent": os.getpid(), "package_folder": str(_PACKAGE), "search_path": list(search_path)}

        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and file)
                [*command, json.dumps(start)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
                # Away from the kernel's Ctrl-C, and killable with all it may start.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id of the child (and of its process group)."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    def request(self, call: str, arguments: dict[str, Any], timeout_s: float) -> Any:
        """Have the child call ``module:function`` and return its value.

        Raises:
            WorkerError: when the child fails, crashes, hangs or uses too much memory. After the last three it is gone.
        """
        with self._busy:
            return self._request(call, arguments, timeout_s)

    def _request(self, call: str, arguments: dict[str, Any], timeout_s: float) -> Any:
        self._jobs += 1
        job = {"protocol": PROTOCOL, "id": self._jobs, "call": call, "arguments": arguments}
        try:
            assert self._process.stdin is not None  # noqa: S101  (opened as a pipe above)
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise self._crash() from None
        reply = self._await_reply(timeout_s)
        if not reply.get("ok"):
            raise WorkerError(
                str(reply.get("status", "failed")), _one_line(str(reply.get("reason", "no reason given")))
            )
        return reply.get("value")

    def _await_reply(self, timeout_s: float) -> dict[str, Any]:
        left_s = timeout_s
        while True:
            line, separator, rest = self._buffer.partition(b"\n")
            if separator:
                self._buffer = rest
                reply = self._understood(line)
                if reply is not None:
                    return reply
                continue
            if left_s <= 0:
                self.kill()
                raise WorkerError("timed_out", f"no answer within {timeout_s:.0f} s")
            began, was_stopped = time.monotonic(), self.stopped
            self._read_some(min(left_s, _WATCH_S))
            if not (was_stopped or self.stopped):  # while others are timed its time stands still, too
                left_s -= time.monotonic() - began

    def _read_some(self, wait_s: float) -> None:
        assert self._process.stdout is not None  # noqa: S101
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            ready = selector.select(wait_s)
        if ready:
            chunk = os.read(self._process.stdout.fileno(), 1 << 20)
            if not chunk:
                raise self._crash()
            self._buffer += chunk
            return
        if self._memory_limit_mb is not None:
            used_mb = self.resident_mb()
            if used_mb > self._memory_limit_mb:
                self.kill()
                raise WorkerError(
                    "failed", f"out of memory: it used {used_mb:,.0f} MB, the limit is {self._memory_limit_mb:,.0f} MB"
                )

    def _understood(self, line: bytes) -> dict[str, Any] | None:
        """Parse a reply; a line that is none (something wrote to the pipe behind our back) goes to the log."""
        try:
            reply = json.loads(line)
        except ValueError:
            reply = None
        if isinstance(reply, dict) and reply.get("id") == self._jobs:
            return reply
        with self.log.open("ab") as log:
            log.write(b"not a reply: " + line[:1000] + b"\n")
        return None

    def _crash(self) -> WorkerError:
        try:
            code = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:  # it closed its pipe and lives on
            code = None
        self.kill()
        if code is None:
            return WorkerError("crashed", "the process closed its pipe")
        if code >= 0:
            said = self.last_words()
            return WorkerError("crashed", f"the process ended with exit code {code}" + (f": {said}" if said else ""))
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = {"SIGKILL": " (killed, most likely for lack of memory)", "SIGSEGV": " (segmentation fault)"}.get(
            name, ""
        )
        said = self.last_words()
        return WorkerError("crashed", f"the process died of {name}{hint}" + (f": {said}" if said else ""))

    def last_words(self) -> str:
        """Return the last line of the child's log that says something, shortened."""
        with contextlib.suppress(OSError):
            for line in reversed(self.log.read_text(errors="replace").splitlines()[-50:]):
                if line.strip() and not _IDLE_TALK.match(line):
                    return _one_line(line)
        return ""

    def resident_mb(self) -> float:
        """Resident memory of the child and its own children, in MB."""
        total = 0
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            for each in [process, *process.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    total += each.memory_info().rss
        return total / 1e6

    def pause(self) -> None:
        """Stop the child where it stands: a stopped process cannot spin, whatever its thread pools are set to."""
        if not self.stopped and self.alive and sys.platform.startswith("linux"):
            self._signal(signal.SIGSTOP)
            self.stopped = True

    def resume(self) -> None:
        """Let the child go on."""
        if self.stopped:
            self._signal(signal.SIGCONT)
            self.stopped = False

    def kill(self) -> None:
        """Kill the child and everything it started: TERM, a moment of grace, KILL."""
        if self._buried:  # its number may be somebody else's by now
            self._close_pipes()
            return
        self._signal(signal.SIGTERM)
        self.resume()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._buried = True
            self._close_pipes()

    def _close_pipes(self) -> None:
        # Whoever else waits for a reply meets the end of the stream and comes here then: closed under its feet, the
        # descriptor could be somebody else's file by the time it reads.
        if not self._busy.acquire(blocking=False):
            return
        try:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        finally:
            self._busy.release()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _one_line(text: str) -> str:
    """Squeeze a message into one line that a table can hold."""
    line = " ".join(text.split())
    return line if len(line) <= _LINE_CHARACTERS else line[: _LINE_CHARACTERS - 1] + "…"
