"""The server scenario: requests arrive at random, and waiting counts.

Terms and method follow MLPerf Inference (Reddi et al., 2020): Poisson arrivals, latency from the scheduled arrival.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from inferspeed_magic.diagnosis import percentile_ms
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.records import Block, ServerTrial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.profiling.opening import Opener
    from inferspeed_magic.workers.crew import Crew

_BENCH = "inferspeed_magic.measurement.bench"
#: The 99th percentile needs 662 samples (MLPerf's early-stopping bound); a few more, for good measure.
P99_QUERIES = 700
_STEPS = 7
_LEAST_QUERIES = 64
#: A search may take this many times the duration asked for, as slow models need more time for 662 requests.
_PATIENCE = 30


def serve(
    candidates: Sequence[Candidate],
    *,
    target_qps: float | None,
    latency_slo_ms: float | None,
    crew: Crew,
    opener: Opener,
    limits: Limits,
    duration_s: float,
    seed: int,
    tell: Callable[[int, int, str, float], None],
) -> None:
    """Serve each candidate at a rate, or find the highest rate whose p99 latency stays under a bound.

    Args:
        candidates: those that are open.
        target_qps: mean arrivals per second.
        latency_slo_ms: the bound, in place of a rate.
        crew: silences everybody but the one that serves.
        opener: is told of candidates that fail.
        limits: time for a trial.
        duration_s: seconds of arrivals for each candidate (for each rate tried, in a search).
        seed: of the arrivals; every candidate sees the same ones.
        tell: as in ``rounds.measure``.
    """
    origin = time.perf_counter()
    with crew.turns():
        for done, candidate in enumerate(candidates):
            if not candidate.well:  # its process died in a neighbour's turn
                continue
            elapsed = time.perf_counter() - origin
            left = elapsed / done * (len(candidates) - done) if done else 2 * duration_s * len(candidates)
            tell(done, len(candidates), f"serving {candidate.name}", left)
            server = _Server(candidate, crew, limits, origin=origin, duration_s=duration_s, seed=seed)
            try:
                if target_qps is not None:
                    server.at(target_qps, duration_s, None)
                elif latency_slo_ms is not None:
                    server.search(latency_slo_ms)
            except WorkerError as error:
                opener.lost(candidate.processes[0], candidate, error)


class _Server:
    """One candidate under load."""

    def __init__(
        self, candidate: Candidate, crew: Crew, limits: Limits, *, origin: float, duration_s: float, seed: int
    ) -> None:
        self._candidate = candidate
        self._crew = crew
        self._limits = limits
        self._origin = origin
        self._duration_s = duration_s
        self._seed = seed

    def at(self, qps: float, duration_s: float, slo_ms: float | None) -> ServerTrial:
        """Serve at one rate; the block of the latest sustained (or only) rate is the candidate's measurement."""
        candidate = self._candidate
        queries = max(_LEAST_QUERIES, int(qps * duration_s))
        # What cannot keep up finishes at its own pace: the time is bounded by both.
        service_s = candidate.expected_ns / 1e9
        queries = min(queries, max(_LEAST_QUERIES, int(3 * duration_s / service_s)))
        worker = candidate.processes[0]
        start_s = time.perf_counter() - self._origin
        expected_s = queries * max(service_s, 1 / qps)
        arguments = {"candidate": candidate.key, "qps": qps, "queries": queries, "seed": self._seed}
        with self._crew.turn(worker):
            reply = worker.request(f"{_BENCH}:serve", arguments, self._limits.turn_s + 20 * expected_s)
        latencies = tuple(reply["latencies_ns"])
        p99 = percentile_ms(latencies, 99)
        sustained = None if slo_ms is None or p99 is None else p99 <= slo_ms
        offered_qps = queries / reply["offered_s"]
        trial = ServerTrial(qps, queries / (reply["wall_ns"] / 1e9), latencies, p99, sustained, offered_qps)
        candidate.trials.append(trial)
        if slo_ms is None or sustained or not candidate.blocks:
            candidate.blocks = [Block(0, 0, start_s, reply["wall_ns"], latencies)]
        candidate.peak_memory_mb = max(candidate.peak_memory_mb or 0.0, reply["peak_memory_mb"] or 0.0)
        return trial

    def search(self, slo_ms: float) -> None:
        """Bisect (geometrically) for the highest rate whose p99 stays under the bound."""
        candidate = self._candidate
        service_ms = candidate.expected_ns / 1e6
        if service_ms >= slo_ms:
            candidate.end(
                "unsupported",
                f"no rate keeps p99 under {slo_ms:g} ms: one inference alone takes {service_ms:.3g} ms",
            )
            return
        capacity = 1e3 / service_ms
        low, high = 0.02 * capacity, capacity
        longest_s = P99_QUERIES / low
        if P99_QUERIES / capacity > _PATIENCE * self._duration_s:
            candidate.end(
                "unsupported",
                f"p99 needs 662 requests, and at {capacity:.3g} a second these take longer than "
                f"{_PATIENCE} times --duration: raise it to {P99_QUERIES / capacity / _PATIENCE:.0f} or more",
            )
            return
        best: float | None = None
        for _ in range(_STEPS):
            rate = (low * high) ** 0.5
            trial = self.at(rate, min(longest_s, max(self._duration_s, P99_QUERIES / rate)), slo_ms)
            if trial.sustained:
                low = best = rate
            else:
                high = rate
        if best is None:
            candidate.end(
                "unsupported", f"no rate that was tried (from {high:.3g} a second) keeps p99 under {slo_ms:g} ms"
            )
