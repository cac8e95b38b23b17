"""ONNX Runtime with a known delay: what ``trust.py`` has to find. A module, so that workers can import it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from inferspeed_magic.runtimes.base import Session
from inferspeed_magic.runtimes.onnxruntime import OnnxRuntime

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from inferspeed_magic.runtimes.base import Lowering


class DelayedSession(Session):
    """Takes a given share longer than the session inside it, by spinning."""

    def __init__(self, inner: Session, share: float) -> None:
        self._inner = inner
        self._share = share
        self.facts = inner.facts

    def run(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Run, and wait for a share of the time that took."""
        start = time.perf_counter_ns()
        outputs = self._inner.run(inputs)
        end = start + (time.perf_counter_ns() - start) * (1.0 + self._share)
        while time.perf_counter_ns() < end:
            pass
        return outputs


class DelayedBy0(OnnxRuntime):
    """The reference: the same wrapping, without delay."""

    name = "delayed_0"
    share = 0.0

    def compile(self, loaded: Any, lowering: Lowering) -> Session:
        """Wrap the session."""
        return DelayedSession(super().compile(loaded, lowering), self.share)


class DelayedBy5(DelayedBy0):
    """5% slower."""

    name = "delayed_5"
    share = 0.05


class DelayedBy10(DelayedBy0):
    """10% slower."""

    name = "delayed_10"
    share = 0.10
