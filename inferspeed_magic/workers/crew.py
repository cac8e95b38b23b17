"""All workers of one run: started, silenced while one of them is timed, and buried together."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from inferspeed_magic.workers.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


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
        self.folder = Path(tempfile.mkdtemp(prefix="inferspeed_"))
        self._workers: list[Worker] = []
        # One thread for the whole run: Linux kills a child when the thread that started it ends.
        self._spawner = ThreadPoolExecutor(1, thread_name_prefix="inferspeed-spawner")
        self._silence = threading.RLock()
        self._closed = False

    def start(self, name: str, **options: Any) -> Worker:
        """Start a worker. Its search path is ours, so that the user's own modules are found."""
        if self._closed:
            raise RuntimeError("the run is over")
        search_path = [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109
        worker = Worker(
            name,
            self.folder,
            search_path=options.pop("search_path", search_path),
            spawn=lambda launch: self._spawner.submit(launch).result(),
            **options,
        )
        self._workers.append(worker)
        return worker

    @contextlib.contextmanager
    def alone(self, worker: Pausable) -> Iterator[None]:
        """Stop every other worker while the body runs: what is timed has the machine to itself."""
        with self._silence:
            others = [other for other in self._workers if other is not worker and not other.stopped]
            was_stopped = worker.stopped
            try:
                for other in others:
                    other.pause()
                worker.resume()
                yield
            finally:
                if was_stopped:
                    worker.pause()
                for other in others:
                    other.resume()

    @contextlib.contextmanager
    def turns(self) -> Iterator[None]:
        """Keep everybody stopped between turns: the cost of stopping and waking is paid outside ``turn``."""
        with self._silence:
            try:
                for worker in self._workers:
                    worker.pause()
                yield
            finally:
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
        with ThreadPoolExecutor(8) as buriers:
            list(buriers.map(Worker.kill, self._workers))
        self._spawner.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)
