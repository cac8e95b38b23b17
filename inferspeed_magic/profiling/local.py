"""A stand-in for a worker that works in the kernel itself, for models that no other process can rebuild."""

from __future__ import annotations

import os
from typing import Any

from inferspeed_magic.errors import WorkerError
from inferspeed_magic.workers.child import answer


class LocalWorker:
    """Does jobs at once, in this process. It offers no isolation: that is why it is the last resort."""

    name = "kernel"
    alive = True
    stopped = False

    def __init__(self) -> None:
        self._state: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        """Our own process."""
        return os.getpid()

    def request(self, call: str, arguments: dict[str, Any], timeout_s: float) -> Any:
        """Do a job; the time limit cannot be enforced here."""
        del timeout_s
        reply = answer({"id": 0, "call": call, "arguments": arguments}, self._state)
        if not reply["ok"]:
            raise WorkerError(reply["status"], reply["reason"])
        return reply["value"]

    def pause(self) -> None:
        """Nothing: the kernel goes on."""

    def resume(self) -> None:
        """Nothing."""

    def kill(self) -> None:
        """Forget the models."""
        self._state.clear()
