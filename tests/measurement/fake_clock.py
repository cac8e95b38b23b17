"""A clock that moves only when it is told to, or looked at: timing code gets exact tests."""

from __future__ import annotations

from inferspeed_magic.measurement.clock import Clock

LOOK_NS = 1_000


class FakeTime:
    """Time in nanoseconds; every look at it costs ``LOOK_NS``, as a real one costs something too."""

    def __init__(self):
        self.ns = 5_000_000
        self.slept_s = []

    def now_ns(self):
        self.ns += LOOK_NS
        return self.ns

    def sleep_s(self, seconds):
        self.slept_s.append(seconds)
        self.ns += round(seconds * 1e9)

    @property
    def clock(self):
        return Clock(self.now_ns, self.sleep_s)


class FakeModel:
    """Takes the times it is given, in turn, and remembers its inputs."""

    def __init__(self, time, *durations_ns):
        self.time = time
        self.durations_ns = durations_ns
        self.seen = []

    def __call__(self, batch):
        self.time.ns += self.durations_ns[len(self.seen) % len(self.durations_ns)]
        self.seen.append(batch)
