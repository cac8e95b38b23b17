"""Which working sets to read, and the names of the levels of memory that they lie in."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SMALLEST_BYTES = 16 * 1024
#: Beside the last-level cache: what was read last must be gone by the time it is read again.
_TIMES_LAST_LEVEL = 4
_LEAST_LARGEST_BYTES = 64 * 2**20
_MOST_BYTES = 2**30
_SHARE_OF_MEMORY = 0.25
#: Of processors that do not say: smaller than what is usual, so that the measured plateau decides.
_USUAL_KB = {"L1d": 32.0, "L2": 256.0}
#: Below this ratio of bandwidths a cache and memory cannot be told apart by them.
_DISTINCT = 1.5
_FACTOR = 2


def working_sets(cache_kb: Mapping[str, float], threads: int, available_bytes: float) -> list[int]:
    """Choose sizes in bytes: doubling from 16 kB (or a page for each thread) to four times the last-level cache.

    Beyond the private caches there is one more between any two: bandwidth falls steeply where the last level ends.

    Args:
        cache_kb: sizes by level, as one core sees them.
        threads: among which a set is divided.
        available_bytes: memory that is free; a quarter of it is the most that is taken.
    """
    shared = max(cache_kb.get("L3", 0.0), cache_kb.get("L2", 0.0) * threads) * 1024
    largest = min(
        max(_LEAST_LARGEST_BYTES, _TIMES_LAST_LEVEL * shared), _MOST_BYTES, available_bytes * _SHARE_OF_MEMORY
    )
    sizes = [max(_SMALLEST_BYTES, 4096 * threads)]
    while sizes[-1] * _FACTOR <= largest:
        sizes.append(sizes[-1] * _FACTOR)
    private = cache_kb.get("L2", _USUAL_KB["L2"]) * 1024 * threads
    between = [(small + large) // 2 for small, large in itertools.pairwise(sizes) if small >= private]
    return sorted([*sizes, *between])


def levels(
    sizes: Sequence[int], gb_per_s: Sequence[float], cache_kb: Mapping[str, float], threads: int
) -> tuple[list[str], str | None]:
    """Name the level that each working set is read from.

    The caches of one core add up over the threads, since each thread reads its own part. The last level is shared,
    and what a virtual machine says of it need not be true: it may be told of a cache that it shares with other guests,
    or of none. So from there on the bandwidth decides, where it has two plateaus: a set whose bandwidth is nearer (by
    its logarithm) to that of the smallest set beyond the private caches is in the cache, one that is nearer to that
    of the largest set is in memory. Where the two differ by less than half, the sizes that are reported decide.

    Args:
        sizes: of working sets in bytes, smallest first.
        gb_per_s: their bandwidths, never rising.
        cache_kb: sizes by level, as one core sees them; may lack levels, or be empty.
        threads: among which a set was divided.

    Returns:
        ``L1d``, ``L2``, ``L3`` or ``memory`` for each, and a sentence where what is reported does not hold.
    """
    known = {**_USUAL_KB, **cache_kb}
    last = "L3" if "L3" in known or not cache_kb else "L2"
    inner = [level for level in ("L1d", "L2") if level != last]
    names = [next((level for level in inner if size <= known[level] * 1024 * threads), "") for size in sizes]
    outer = [place for place, name in enumerate(names) if not name]
    reported_bytes = known.get(last, 0.0) * 1024
    for place in outer:
        names[place] = last if sizes[place] <= reported_bytes else "memory"
    if not outer or (reported_bytes and sizes[-1] <= reported_bytes):  # memory was never reached
        return names, None
    top, bottom = gb_per_s[outer[0]], gb_per_s[-1]
    if not top > _DISTINCT * bottom:
        return names, None
    for place in outer:
        names[place] = last if gb_per_s[place] >= math.sqrt(top * bottom) else "memory"
    holds = max(sizes[place] for place in outer if names[place] == last)
    if cache_kb.get(last) is None:
        return names, f"the size of the {last} cache is not reported; by the bandwidth it holds about {_mb(holds)}"
    if holds * _FACTOR * _FACTOR <= reported_bytes or holds >= reported_bytes * _FACTOR:
        said = f"the {last} cache is said to have {_mb(reported_bytes)}, but"
        return names, f"{said} only sets up to {_mb(holds)} are read faster than memory" if (
            holds < reported_bytes
        ) else f"{said} sets up to {_mb(holds)} are read faster than memory"
    return names, None


def _mb(size: float) -> str:
    return f"{size / 2**20:.3g} MB"
