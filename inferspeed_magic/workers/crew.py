"""All workers of one run: started, silenced while one of them is timed, and buried together."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, Self

from inferspeed_magic.errors import UserError
from inferspeed_magic.workers.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType


_PREFIX = "inferspeed_"
_LOCK = "in_use.lock"


def _sweep() -> None:
    """Remove the folders of runs whose process was killed before it could do so itself."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError), lock.open("w") as file:
            # The lock of a process that is gone is gone, too, in whichever container it ran.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def new_folder() -> tuple[Path, IO[str]]:
    """Make a temporary folder that the next run removes, should we be killed before we can.

    Returns:
        The folder, and the lock that says that it is in use; closing it gives the folder up.

    Raises:
        UserError: where no temporary files can be written.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = (folder / _LOCK).open("w")
    except OSError as error:
        raise UserError(f"no temporary files can be written ({error}): free space, or set TMPDIR elsewhere") from error
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


class Pausable(Protocol):
    """What the crew needs to know of whoever is timed."""

    @property
    def stopped(self) -> bool:
        """Whether it is paused."""

    def pause(self) -> None:
        """Stop it."""

    def resume(self) -> None:
        """Let it go on."""


class Crew:
    """A context in which workers live; on the way out, whatever the reason, none is left, and no file either."""

    def __init__(self) -> None:
        _sweep()
        self.folder, self._lock = new_folder()
        self._workers: list[Worker] = []
        # One thread for the whole run: Linux kills a child when the thread that started it ends.
        self._spawner = ThreadPoolExecutor(1, thread_name_prefix="inferspeed-spawner")
        self._silence = threading.RLock()
        self._taking_turns = False
        self._closed = False

    def start(self, name: str, *, environment: Mapping[str, str] | None = None, **options: Any) -> Worker:
        """Start a worker. Its search path is ours, so that the user's own modules are found.

        Its temporary files go into our folder: libraries remove theirs when a process exits, and ours are killed.
        """
        options.setdefault("search_path", _search_path(options.get("interpreter")))
        options["environment"] = {"TMPDIR": str(self.folder), **(environment or {})}
        if self._closed:
            raise RuntimeError("the run is over")
        return self._spawner.submit(self._start, name, options).result()

    def _start(self, name: str, options: dict[str, Any]) -> Worker:
        """In the spawner's thread: who waits for it may be interrupted, and the worker is in the list all the same."""
        if self._closed:
            raise RuntimeError("the run is over")
        worker = Worker(name, self.folder, **options)
        self._workers.append(worker)
        return worker

    @contextlib.contextmanager
    def alone(self, worker: Pausable) -> Iterator[None]:
        """Stop every other worker while the body runs: what is timed has the machine to itself."""
        with self._silence:
            others = [other for other in self._workers if other is not worker and not other.stopped]
            pause_after = worker.stopped or self._taking_turns
            try:
                for other in others:
                    other.pause()
                worker.resume()
                yield
            finally:
                if pause_after:
                    worker.pause()
                for other in others:
                    other.resume()

    @contextlib.contextmanager
    def turns(self) -> Iterator[None]:
        """Keep everybody stopped between turns: the cost of stopping and waking is paid outside ``turn``."""
        with self._silence:
            self._taking_turns = True
            try:
                for worker in self._workers:
                    worker.pause()
                yield
            finally:
                self._taking_turns = False
                for worker in self._workers:
                    worker.resume()

    @contextlib.contextmanager
    def turn(self, worker: Pausable) -> Iterator[None]:
        """Within ``turns``: wake one worker, and stop it again."""
        worker.resume()
        try:
            yield
        finally:
            worker.pause()

    @contextlib.contextmanager
    def awake(self, worker: Pausable) -> Iterator[None]:
        """Let a worker work beside whoever else does; within ``turns`` it is stopped again."""
        if self._taking_turns:
            with self.turn(worker):
                yield
        else:
            yield

    def pids(self) -> set[int]:
        """Process ids of all workers that live."""
        return {worker.pid for worker in self._workers if worker.alive}

    def dismiss(self, worker: Worker) -> None:
        """End a worker that is no longer needed."""
        worker.kill()
        if worker in self._workers:
            self._workers.remove(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        # In the spawner's thread, after whatever is being started there, and out of reach of a second interrupt.
        burial = self._spawner.submit(self._bury)
        interrupt: KeyboardInterrupt | None = None
        while not burial.done():
            try:
                burial.result()
            except KeyboardInterrupt as again:
                interrupt = again
        self._spawner.shutdown()
        if interrupt is not None:
            raise interrupt

    def _bury(self) -> None:
        with ThreadPoolExecutor(8) as buriers:
            list(buriers.map(Worker.kill, self._workers))
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


def _search_path(interpreter: str | None) -> list[str]:
    """Where we find modules; for another interpreter without what is installed for ours, which it could not load."""
    entries = [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109
    if interpreter in (None, sys.executable):
        return entries
    ours = (Path(sys.prefix), Path(sys.base_prefix))
    return [
        entry
        for entry in entries
        if not any(Path(entry).is_relative_to(prefix) for prefix in ours) and "site-packages" not in Path(entry).parts
    ]
