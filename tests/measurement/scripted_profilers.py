"""Runtimes with profilers that go well and wrong, of numpy alone; imported by workers, too."""

from __future__ import annotations

import os
import time

from inferspeed_magic.records.operators import OperatorTime
from inferspeed_magic.runtimes.base import Capabilities, ProfiledSession, Runtime, Session


class PlainSession(Session):
    def __init__(self, runtime):
        self.runtime = runtime
        self.facts = {"device": "cpu"}
        self.runs = 0

    def run(self, inputs):
        self.runtime.wait_ns(self.runtime.run_ns)
        self.runs += 1
        return [inputs[0]]


class WatchedSession(PlainSession, ProfiledSession):
    def run(self, inputs):
        self.runtime.wait_ns(self.runtime.profiler_ns)
        return super().run(inputs)

    def operators(self):
        self.facts["asked"] = "yes"
        times = tuple(range(1, 1 + self.runs + self.runtime.too_many))  # which inference it was
        return [OperatorTime("dense/MatMul", "MatMul", times, origins=("dense/MatMul",))]


class Profiles(Runtime):
    """Takes the time that its attributes say."""

    name = "profiles"
    distribution = module = "numpy"
    install_command = "pip install numpy"
    run_ns, profiler_ns, too_many = 50_000, 20_000, 0
    opened = ()

    def capabilities(self):
        return Capabilities(devices=("cpu", "gpu"), formats=("onnx",), batch_in_artifact=False, profiles=True)

    def load(self, artifact, lowering):
        return artifact

    def compile(self, loaded, lowering):
        return self.noted(PlainSession(self))

    def compile_profiled(self, loaded, lowering, folder):
        return self.noted(WatchedSession(self))

    def noted(self, session):
        type(self).opened = (*self.opened, session)
        return session

    def wait_ns(self, duration_ns):
        time.sleep(duration_ns / 1e9)


class HasNone(Profiles):
    name = "has none"

    def capabilities(self):
        return Capabilities(devices=("cpu",), formats=("onnx",), batch_in_artifact=False)


class SaysSoTooLate(HasNone):
    """Claims to profile, and does not implement it."""

    name = "says so too late"
    capabilities = Profiles.capabilities
    compile_profiled = Runtime.compile_profiled


class LosesCount(Profiles):
    name = "loses count"
    too_many = 1


class FailsToOpen(Profiles):
    name = "fails to open"

    def compile_profiled(self, loaded, lowering, folder):
        raise OSError("no space left for the profile")


class Breaks(Profiles):
    """Fails when it is asked for what it saw."""

    name = "breaks"

    def compile_profiled(self, loaded, lowering, folder):
        session = WatchedSession(self)
        session.operators = self.broken
        return session

    def broken(self):
        raise ValueError("the trace is cut off")


class Crashes(Breaks):
    name = "crashes"

    def broken(self):
        os.abort()


class Hangs(Breaks):
    name = "hangs"

    def broken(self):
        time.sleep(600)
