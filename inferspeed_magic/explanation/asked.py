"""What ``explain`` was asked for, checked before any long work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.errors import OptionError
from inferspeed_magic.profiling import arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.records import Request

#: Not asked for: it compiles for a minute what ``keras.compiled`` runs, and its operators have no names of layers.
_LEFT_OUT = ("keras.xla",)
#: Beside the batch size that was asked for: what a line through latencies needs.
_TIMES = (8, 32)


@dataclass(frozen=True)
class Asked:
    """One call of ``explain``.

    Attributes:
        request: how everything is measured; the first of its batch sizes is the one that is explained.
        count_only: count, and measure nothing.
        patient: whether to wait for every file, however long it takes: where the user named the runtimes.
    """

    request: Request
    count_only: bool = False
    patient: bool = False

    @property
    def batch_size(self) -> int:
        """The one that is explained."""
        return self.request.batch_sizes[0]


def asked(
    *,
    runtimes_named: Sequence[str] | str | None,
    batch_size: int,
    device: str,
    threads: int | None,
    count_only: bool,
    seed: int,
    duration_s: float,
) -> Asked:
    """Check the options.

    Raises:
        OptionError: what is wrong, and how to mend it.
    """
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise OptionError(f"batch size {batch_size!r} makes no sense: it is one whole number from 1 up")
    chosen: Any = runtimes_named
    if chosen is None:
        chosen = [name for name in runtimes() if name not in _LEFT_OUT]
    request = arguments.request(
        runtimes=chosen,
        batch_sizes=[batch_size, *(times * batch_size for times in _TIMES)],
        device=device,
        threads=threads,
        scenario="single_stream",
        target_qps=None,
        latency_slo_ms=None,
        duration_s=duration_s,
        baseline=None,
        seed=seed,
        batch_in_file="static",
    )
    # Who runs nowhere is not measured.
    return Asked(replace(request, runtimes=()) if count_only else request, count_only, runtimes_named is not None)
