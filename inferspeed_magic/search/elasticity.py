"""With which power of a layer's width the latency of the whole model goes: measured, by removing half of its channels.

A power of 1 says that a model whose layer is half as wide takes half as long; 0, that the layer takes no time.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from concurrent.futures import TimeoutError as StillRunning
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from inferspeed_magic.discovery import reference
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.formats.routes import Step
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.opening import ways

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.conversion import Converter
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.workers.crew import Crew

_HALVES = "inferspeed_magic.techniques.alike_groups:halves"
_NARROW = Step("inferspeed_magic.techniques.channel_pruner:remove_shares", "keras", static=False, words="narrower")
_PREPARE = "inferspeed_magic.measurement.bench:prepare"
_LATENCIES = "inferspeed_magic.measurement.side_by_side:latencies"
_AS_IT_IS, _TOGETHER = "as it is", "together"
#: Seconds that each file is timed for; of all the time there is, the share that goes into making the files; and how
#: often each file is run at least.
_TIMED_S, _MAKING, _RUNS = 0.4, 0.7, 10
#: All together gain less than they do one by one, where calls cost something and small layers fill no vectors.
_WORTH = (0.3, 1.2)
#: As much do two processes differ in, with the same file.
_LEAST = 0.015
_DIGITS = 4


@dataclass(frozen=True)
class Elasticities:
    """What was measured.

    Attributes:
        powers: of the width, by group of channels; of groups that take time.
        complete: whether there was time for all groups.
    """

    powers: dict[str, float]
    complete: bool


class Narrower:
    """Makes files of a model in which a share of some groups is gone, and times them.

    Args:
        crew: that workers belong to.
        converter: makes the files.
        limits: of workers.
        candidate: the model as it is, on a runtime that opens files.
        inputs: that it is timed with: for each batch, the files in the order of the inputs.
        tell: is told what is being done.
    """

    def __init__(
        self,
        crew: Crew,
        converter: Converter,
        limits: Limits,
        candidate: Candidate,
        *,
        inputs: Sequence[Sequence[str]],
        tell: Callable[[str], None],
    ) -> None:
        self._crew = crew
        self._converter = converter
        self._limits = limits
        self._candidate = candidate
        self._inputs = inputs
        self._tell = tell

    def elasticities(self, multiple_of: int, limit_s: float) -> Elasticities:
        """Measure them, in float.

        Args:
            multiple_of: widths are to be multiples of this.
            limit_s: time; groups with least to do come last, and are left out where there is none left.
        """
        nothing = Elasticities({}, complete=False)
        route = self._candidate.made_by or next(iter(ways(self._candidate)), ())
        if self._candidate.runtime.group is not None or not route:
            return nothing
        try:
            asked = self._converter.look(_HALVES, self._candidate.source, {"multiple_of": multiple_of}, in_kernel=False)
            alike: list[dict[str, Any]] = self._in_time(asked, limit_s)
        except (StillRunning, WorkerError):
            return nothing
        fit = int((1.0 - _MAKING) * limit_s / max(_TIMED_S, _RUNS * self._candidate.expected_ns / 1e9)) - 2
        if not alike or fit < 1:
            return nothing
        files, until = {}, time.monotonic() + _MAKING * limit_s
        try:
            files[_AS_IT_IS] = self._in_time(self._pending(route), until - time.monotonic())
            for number, each in enumerate(alike[:fit]):
                self._tell(f"which layers take {self._candidate.runtime.name}'s time: {number + 1} of {len(alike)}")
                self._make(files, str(number), route, {each["names"][0]: each["share"]}, until)
            done = [each for number, each in enumerate(alike) if str(number) in files]
            together = {name: each["share"] for each in done for name in each["names"]}
            self._make(files, _TOGETHER, route, together, until)
        except (StillRunning, WorkerError, OSError):
            pass
        left = self._left(files, (1.0 - _MAKING) * limit_s)
        alone = {
            name: (left[str(number)], each["share"])
            for number, each in enumerate(alike)
            if str(number) in left
            for name in each["names"]
        }
        return Elasticities(
            powers(alone, left.get(_TOGETHER)), complete=len(alone) == sum(len(e["names"]) for e in alike)
        )

    def _make(
        self, files: dict[str, str], name: str, route: tuple[Step, ...], shares: Mapping[str, float], until: float
    ) -> None:
        """Make a file without shares of groups; where that fails, nothing is known of them.

        Raises:
            TimeoutError: where there is no time left.
        """
        narrow = replace(_NARROW, settings=(("shares", json.dumps(dict(shares))),))
        try:
            files[name] = self._in_time(self._pending((narrow, *route)), until - time.monotonic())
        except WorkerError:
            return

    def _pending(self, route: tuple[Step, ...]) -> Any:
        return self._converter.submit(self._candidate.source, route, self._candidate.lowering.batch_size)

    def _in_time(self, pending: Any, limit_s: float) -> Any:
        """Wait for something; end it where it takes too long, so that nothing else has to wait for it.

        Raises:
            TimeoutError: where it does.
            WorkerError: where it fails.
        """
        try:
            found = pending.result(timeout=max(0.0, limit_s))
        except StillRunning:
            if not pending.cancel():
                self._converter.give_up()
            raise
        return getattr(found, "path", found)

    def _left(self, files: Mapping[str, str], limit_s: float) -> dict[str, float]:
        """Time files beside the model as it is; gives what is left of its latency, 1 where that is not sure."""
        if len(files) < 2:  # noqa: PLR2004  (one, and another to hold against it)
            return {}
        candidate = self._candidate
        worker = self._crew.start(
            f"narrower_{candidate.runtime.name}",
            environment=environment(candidate.source, candidate.lowering.device, candidate.lowering.threads),
            memory_limit_mb=self._limits.memory_mb(),
        )
        lowering = asdict(replace(candidate.lowering, precision=candidate.precision))
        asked = {"runtime": reference(candidate.runtime), "lowering": lowering}
        timing = {"artifacts": files, "inputs": self._inputs, "timed_s": _TIMED_S, "limit_s": limit_s}
        try:
            worker.request(_PREPARE, asked, self._limits.import_s)
            with self._crew.alone(worker):
                seen = worker.request(_LATENCIES, asked | timing, self._limits.open_s)
        except WorkerError:
            return {}
        finally:
            self._crew.dismiss(worker)
        whole = seen.pop(_AS_IT_IS, [])
        return {name: _share(each, whole) for name, each in seen.items() if each and whole}


def powers(alone: Mapping[str, tuple[float, float]], together: float | None) -> dict[str, float]:
    """Work out elasticities from what is left of the latency without a share of one group, and of all of them.

    Args:
        alone: by group: what is left of the latency, and which share of the group was gone.
        together: what is left without these shares of all groups at once; None where that is not known.

    Returns:
        Of groups that gain anything; each such that together they gain what they were seen to gain together.
    """
    gains = {name: -math.log(left) for name, (left, _) in alone.items()}
    total = sum(gains.values())
    worth = 1.0
    if together is not None and total > 0:
        worth = min(_WORTH[1], max(_WORTH[0], -math.log(together) / total))
    return {
        name: round(worth * gain / -math.log1p(-alone[name][1]), _DIGITS) for name, gain in gains.items() if gain > 0
    }


def _share(durations_ns: Sequence[float], whole_ns: Sequence[float]) -> float:
    """Give the share of one in the other, of their faster rounds; 1 where these are too near to be told apart."""
    one, other = (statistics.median(sorted(each)[: -(-len(each) // 2)]) for each in (durations_ns, whole_ns))
    return one / other if one / other <= 1.0 - _LEAST else 1.0
