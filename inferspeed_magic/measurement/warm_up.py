"""When the warm-up is over: found in the latencies, not guessed.

Workers import this file too: standard library and numpy only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FEWEST_TO_DETECT: Final = 3
_SMALLEST_CHANGE: Final = 0.01
"""Relative change of latency below which nobody needs to wait longer."""

_ALLOWANCE: Final = 1.25
_ALARM: Final = 2.5
_CLIP: Final = 4.0

FEWEST_TO_SETTLE: Final = 12
_WINDOW: Final = 12
_POINTS: Final = 48
_STILL_FALLING: Final = 0.4


def detect(latencies_ns: Sequence[int]) -> int:
    """Index of the first sample of the steady state: how many leading samples are warm-up.

    The second half of the samples says what steady means (median, and spread from the MAD). From the start, how far
    samples lie above it is summed up (CUSUM, Page 1954, with the distance clipped so that one outlier cannot start
    an alarm late in the series); the sum peaks where the slow stretch ends. 0 when it never exceeds the alarm level.
    """
    count = len(latencies_ns)
    if count < _FEWEST_TO_DETECT:
        return 0
    logs = np.log(np.maximum(1.0, np.asarray(latencies_ns, dtype=np.float64)))
    steady = logs[count // 2 :]
    level = float(np.median(steady))
    spread = max(1.4826 * float(np.median(np.abs(steady - level))), _SMALLEST_CHANGE)
    distance = np.clip((logs - level) / spread, -_CLIP, _CLIP)
    # Standardized by what is usual in the steady half: outliers and a slower mode are no warm-up where they go on.
    usual = distance[count // 2 :]
    total = np.cumsum((distance - usual.mean()) / max(1.0, float(usual.std())) - _ALLOWANCE)
    peak = int(np.argmax(total))
    return peak + 1 if total[peak] > _ALARM else 0


def settled(latencies_ns: Sequence[int]) -> bool:
    """Whether the warm-up is over, asked again and again while it lasts; takes well under a millisecond.

    False while the last half of the samples (at least the last 12) still falls: by more than 1% (slope after Theil
    and Sen 1968), and more consistently than chance would have it (Mann 1945, Kendall 1975: the signs of all pairs).
    Outliers hardly move either. The test is lax about chance on purpose: a wrong "not yet" costs one more sample.
    What it cannot see is a fall that is small within 12 samples compared with their noise; a loop that also warms up
    for a least time is safe from that.
    """
    count = len(latencies_ns)
    if count < FEWEST_TO_SETTLE:
        return False
    recent = _thin(np.asarray(latencies_ns[-max(_WINDOW, count // 2) :], dtype=np.float64))
    count = len(recent)
    earlier, later = np.triu_indices(count, 1)
    falls = recent[earlier] - recent[later]
    fallen = float(np.median(falls / (later - earlier))) * (count - 1)
    certainty = float(np.sign(falls).sum()) / float(np.sqrt(count * (count - 1) * (2 * count + 5) / 18.0))
    return fallen <= _SMALLEST_CHANGE * float(np.median(recent)) or certainty <= _STILL_FALLING


def _thin(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """At most 95 points, each the median of as many consecutive values."""
    size = len(values) // _POINTS
    if size <= 1:
        return values
    kept = values[len(values) - len(values) // size * size :]
    return np.asarray(np.median(kept.reshape(-1, size), axis=1), dtype=np.float64)
