"""Runtimes that go wrong in every way, and one that goes well; imported by the workers too."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.metadata
import os
import sys
import time

import numpy as np

from inferspeed_magic import discovery
from inferspeed_magic.profiling.limits import Limits
from inferspeed_magic.runtimes.base import Availability, UnsupportedError
from inferspeed_magic.runtimes.onnxruntime import OnnxRuntime


class SmallLimits(Limits):
    """Limits for faults, not for models."""

    def memory_mb(self):
        return 1000.0


@contextlib.contextmanager
def with_runtimes(*kinds):
    """Let discovery find these runtimes as if another distribution had brought them."""
    original = importlib.metadata.entry_points
    ours = [
        importlib.metadata.EntryPoint(kind.name, f"{__name__}:{kind.__qualname__}", discovery.ENTRY_POINTS)
        for kind in kinds
    ]

    def entry_points(**asked):
        return [*original(**asked), *(ours if asked.get("group") == discovery.ENTRY_POINTS else [])]

    importlib.metadata.entry_points = entry_points
    discovery.runtimes.cache_clear()
    try:
        yield
    finally:
        importlib.metadata.entry_points = original
        discovery.runtimes.cache_clear()


def being_measured():
    """Whether a timed turn is what runs us."""
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name in {"take_turn", "serve"}:
            return True
        frame = frame.f_back
    return False


class Wrapper(OnnxRuntime):
    """ONNX Runtime with a hook around each inference."""

    def compile(self, loaded, lowering):
        return WrapperSession(super().compile(loaded, lowering), self, lowering)

    def around(self, session, inputs, run):
        return run(inputs)


class WrapperSession:
    def __init__(self, inner, runtime, lowering):
        self.inner, self.runtime, self.lowering = inner, runtime, lowering
        self.facts = dict(inner.facts)
        self.turns = 0

    def run(self, inputs):
        return self.runtime.around(self, inputs, self.inner.run)


class LastInLine(Wrapper):
    """Healthy, and opened after all the others."""

    name = "last in line"


class CrashesAtLoad(Wrapper):
    name = "crashes at load"

    def load(self, artifact, lowering):
        ctypes.string_at(0)


class CrashesAtTheFirstRun(Wrapper):
    name = "crashes at the first run"

    def around(self, session, inputs, run):
        os.abort()


class ExitsAtTheFirstRun(Wrapper):
    name = "exits at the first run"

    def around(self, session, inputs, run):
        os._exit(3)


class WhileMeasured(Wrapper):
    """Behaves until it has been timed for a few inferences."""

    def around(self, session, inputs, run):
        if being_measured():
            session.turns += 1
            if session.turns > 5:
                self.misbehave()
        return run(inputs)


class CrashesWhileMeasured(WhileMeasured):
    name = "crashes while measured"

    def misbehave(self):
        ctypes.string_at(0)


class HangsAtLoad(Wrapper):
    name = "hangs at load"

    def load(self, artifact, lowering):
        ctypes.PyDLL(None).sleep(600)


class HangsWhileMeasured(WhileMeasured):
    name = "hangs while measured"

    def misbehave(self):
        time.sleep(600)


def devour():
    hoard = []
    for _ in range(60):
        hoard.append(np.ones(6_250_000))
        time.sleep(0.01)
    time.sleep(600)
    return hoard


class EatsMemoryAtLoad(Wrapper):
    name = "eats memory at load"

    def load(self, artifact, lowering):
        return devour()


class EatsMemoryWhileMeasured(WhileMeasured):
    name = "eats memory while measured"

    def misbehave(self):
        devour()


class FailsWhileMeasured(WhileMeasured):
    name = "fails while measured"

    def misbehave(self):
        raise ValueError("no more of this")


class ExitsPolitely(Wrapper):
    name = "exits politely"

    def load(self, artifact, lowering):
        sys.exit(1)


class PrintsGarbage(Wrapper):
    name = "prints garbage"

    def around(self, session, inputs, run):
        print('{"id": 1, "ok": true, "value": null}', flush=True)
        os.write(1, b"\xff\x00 not even text")
        return run(inputs)


class AnswersNan(Wrapper):
    name = "answers NaN"

    def around(self, session, inputs, run):
        return [np.full_like(array, np.nan) for array in run(inputs)]


class AnswersAnotherShape(Wrapper):
    name = "answers another shape"

    def around(self, session, inputs, run):
        return [array[..., :-1] for array in run(inputs)]


class AnswersTwice(Wrapper):
    name = "answers twice"

    def around(self, session, inputs, run):
        return run(inputs) * 2


class AnswersALittleWrong(Wrapper):
    name = "answers a little wrong"

    def around(self, session, inputs, run):
        return [array * np.float32(1.02) for array in run(inputs)]


class IgnoresItsInput(Wrapper):
    """Right for the first input, and for no other."""

    name = "ignores its input"

    def around(self, session, inputs, run):
        session.first = getattr(session, "first", None) or run(inputs)
        return session.first


class AnswersNothing(Wrapper):
    name = "answers nothing"

    def around(self, session, inputs, run):
        return None


class SaysStrangeThings(Wrapper):
    name = "says strange things"

    def compile(self, loaded, lowering):
        session = super().compile(loaded, lowering)
        session.facts["threads"] = np.int64(1)
        return session


class RunsOnAnotherDevice(Wrapper):
    name = "runs on another device"

    def compile(self, loaded, lowering):
        session = super().compile(loaded, lowering)
        session.facts["device"] = "gpu:0"
        return session


class Refuses(Wrapper):
    name = "refuses"

    def load(self, artifact, lowering):
        raise UnsupportedError("this model is too beautiful")


class IsNotInstalled(Wrapper):
    name = "is not installed"

    def availability(self):
        return Availability(
            available=False, reason="no_such_library is not installed", install_command="pip install no_such_library"
        )


FAULTS = (
    CrashesAtLoad,
    CrashesAtTheFirstRun,
    ExitsAtTheFirstRun,
    CrashesWhileMeasured,
    HangsAtLoad,
    HangsWhileMeasured,
    EatsMemoryAtLoad,
    EatsMemoryWhileMeasured,
    FailsWhileMeasured,
    ExitsPolitely,
    PrintsGarbage,
    AnswersNan,
    AnswersAnotherShape,
    AnswersTwice,
    AnswersALittleWrong,
    IgnoresItsInput,
    AnswersNothing,
    SaysStrangeThings,
    RunsOnAnotherDevice,
    Refuses,
    IsNotInstalled,
)


class TakesItsTime(Wrapper):
    """Three milliseconds for any batch, give or take little: what is asked of scenarios can be known beforehand."""

    name = "takes its time"

    def around(self, session, inputs, run):
        end = time.perf_counter() + 0.003
        outputs = run(inputs)
        time.sleep(max(0.0, end - time.perf_counter()))
        return outputs


class TakesAMoment(Wrapper):
    """Half a millisecond, waited for on the core: sleeping is too coarse for that."""

    name = "takes a moment"

    def around(self, session, inputs, run):
        end = time.perf_counter() + 0.0005
        outputs = run(inputs)
        while time.perf_counter() < end:
            pass
        return outputs


class Telltale(Wrapper):
    """Says in its refusal what it was given."""

    name = "telltale"

    def around(self, session, inputs, run):
        run(inputs)
        lowering = session.lowering
        raise UnsupportedError(
            f"threads={lowering.threads} batch={lowering.batch_size} shapes={[array.shape for array in inputs]} "
            f"inputs={fingerprint(inputs)}"
        )


def fingerprint(arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(str((array.dtype, array.shape)).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
