"""What a profile's charts draw, as plain data beside the view: one entry for each row of its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.panel.numbers import TimeUnit, time_unit
from inferspeed_magic.panel.ranking import is_baseline, measured

if TYPE_CHECKING:
    from inferspeed_magic.panel.ranking import Speedups
    from inferspeed_magic.panel.traces import Trace
    from inferspeed_magic.records import ProfileRecord
    from inferspeed_magic.records.interval import Interval


#: From so many rows on, each is drawn with fewer points.
_MANY_ROWS = 20
_FEWEST_POINTS = 30


@dataclass(frozen=True)
class StartUp:
    """What passes before the steady state, in milliseconds."""

    load_ms: float
    compile_ms: float
    first_inference_ms: float


@dataclass(frozen=True)
class Drawn:
    """What charts draw of one row beside its cells.

    Attributes:
        trace: its latencies.
        p50_ms, throughput: with their intervals; throughput in samples per second.
        start_up: what passes before the steady state.
        peak_memory_mb, artifact_mb: None where unknown.
        baseline: whether the record's speed-ups refer to it.
    """

    trace: Trace
    p50_ms: Interval
    throughput: Interval | None
    start_up: StartUp | None
    peak_memory_mb: float | None
    artifact_mb: float | None
    baseline: bool


@dataclass(frozen=True)
class ProfileCharts:
    """Everything that charts need.

    Attributes:
        run: tells runs apart.
        unit: of latencies; the numbers themselves are in milliseconds.
        drawn: one for each row of the view's table, in its order.
        speedups: of each row over each; None where their batch sizes differ or nothing can be said.
    """

    run: str
    unit: TimeUnit
    drawn: tuple[Drawn, ...]
    speedups: tuple[tuple[Interval | None, ...], ...]


def profile_charts(record: ProfileRecord, speedups: Speedups) -> ProfileCharts:
    """Collect what charts draw.

    Args:
        record: what was measured.
        speedups: of candidates over each other.
    """
    from inferspeed_magic.panel.traces import MOST_POINTS, trace  # imports numpy, which loading the extension must not

    candidates = measured(record)
    results = [candidate.result for candidate in candidates]
    # What a notebook keeps has to stay small, however many rows there are.
    points = max(_FEWEST_POINTS, MOST_POINTS * min(_MANY_ROWS, len(candidates)) // max(1, len(candidates)))
    drawn = []
    for candidate in candidates:
        timed = candidate.result.measurement
        drawn.append(
            Drawn(
                trace=trace(candidate, points),
                p50_ms=candidate.summary.p50_ms,
                throughput=candidate.summary.throughput,
                start_up=StartUp(timed.load_ms, timed.compile_ms, timed.first_inference_ms) if timed else None,
                peak_memory_mb=timed.peak_memory_mb if timed else None,
                artifact_mb=candidate.result.artifact_mb,
                baseline=is_baseline(candidate.result, record),
            )
        )
    return ProfileCharts(
        run=f"{record.created} {record.baseline}",
        unit=time_unit(candidate.summary.p50_ms.value for candidate in candidates),
        drawn=tuple(drawn),
        speedups=tuple(
            tuple(
                speedups.get((one.name, other.name, one.batch_size)) if one.batch_size == other.batch_size else None
                for other in results
            )
            for one in results
        ),
    )
