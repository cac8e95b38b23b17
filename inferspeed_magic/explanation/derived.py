"""Models derived from those that were handed in: made once it is known where the time goes, measured beside them."""

from __future__ import annotations

import time
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import WorkerError
from inferspeed_magic.explanation.derivable import FITTING, SLOWEST, SUBNORMAL, Derivable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from inferspeed_magic.explanation.derivable import Derived
    from inferspeed_magic.explanation.lineup import Lineup
    from inferspeed_magic.explanation.outcome import Gathered
    from inferspeed_magic.records import Machine
    from inferspeed_magic.sources.source import Source

#: Seconds after which no derived model is waited for.
LATEST_S = 38.0
#: Seconds that slow ones take longer.
_SLOW_S = 1.0
_WORDS = {
    SLOWEST: "without its slowest layer",
    FITTING: "with weights that fit a cache",
    SUBNORMAL: "without subnormal weights",
}


class Derivation:
    """Makes and measures them.

    Args:
        lineup: the models, measured as they are.
        gathered: what is known of them; takes what is derived.
        machine: that this is.
        started: the run, as ``time.perf_counter()``; what is not made ``LATEST_S`` later is left out.
        noting: has a part that fails cost that part only.
    """

    def __init__(
        self,
        lineup: Lineup,
        gathered: Gathered,
        machine: Machine,
        started: float,
        noting: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._lab = lineup.lab
        self._gathered = gathered
        self._derivable = Derivable(lineup, gathered, machine)
        self._until = started + LATEST_S
        self._noting = noting

    def make(self, tell: Callable[[str], None]) -> None:
        """Make every model that has something to show, as far as time allows, and open it."""
        sources = self._derivable.sources()
        wanted: list[Derived] = []
        for what, choose in (
            (SLOWEST, self._derivable.without_slowest),
            (SUBNORMAL, self._derivable.without_subnormals),
        ):
            for source in sources:
                with self._noting(_failed(source, what)):
                    wanted += choose(source)
        too_large = [(source, caches) for source in sources if (caches := self._derivable.caches(source))]
        if time.perf_counter() > self._until:
            self._leave_out([each.after.name for each in wanted])
            self._leave_out([f"{source.name} {_WORDS[FITTING]}" for source, _ in too_large])
            return
        self._lab.begin([each.after for each in wanted])
        looks = [(source, self._derivable.look(source, caches)) for source, caches in too_large]
        wanted += self._narrower(looks, tell)
        self._lab.begin([each.after for each in wanted])
        self._gathered.derived += self._opened(wanted, tell)

    def measure(self, duration_s: float, tell: Callable[[int, int, str, float], None]) -> None:
        """Let all of them take turns with the models as they are.

        Args:
            duration_s: timed seconds for each.
            tell: as for ``Experiment.measure``.
        """
        derived = [each.after for each in self._gathered.derived]
        if derived:
            before = {each.before.key: each.before for each in self._gathered.derived}
            self._lab.measure([*before.values(), *derived], duration_s, tell, slow_s=_SLOW_S)

    def _narrower(self, looks: Sequence[tuple[Source, Future[Any]]], tell: Callable[[str], None]) -> list[Derived]:
        found = []
        for source, pending in looks:
            tell(f"making {source.name} narrower")
            if not self._in_time([pending]):
                self._leave_out([f"{source.name} {_WORDS[FITTING]}"])
                continue
            with self._noting(_failed(source, FITTING)):
                found.append(self._derivable.narrower(source, pending.result()))
        return found

    def _opened(self, wanted: Sequence[Derived], tell: Callable[[str], None]) -> list[Derived]:
        """Open what is made in time."""
        made = []
        for each in wanted:
            tell(f"making {each.after.name}")
            if self._in_time(self._lab.conversions(each.after)):
                made.append(each)
            else:
                self._leave_out([each.after.name])
        self._lab.open([each.after for each in made], lambda candidate: tell(f"opening {candidate.name}"))
        for each in made:
            with self._noting(f"{each.after.name} could not be measured"):
                if not each.after.well:
                    raise WorkerError(each.after.status or "failed", each.after.reason or "it was not reached")
        return [each for each in made if each.after.well]

    def _in_time(self, pending: Sequence[Future[Any]]) -> bool:
        done, _ = wait(pending, timeout=max(0.0, self._until - time.perf_counter()))
        return len(done) == len(set(pending))

    def _leave_out(self, names: Sequence[str]) -> None:
        self._gathered.notes += [f"{name} was not made: {LATEST_S:.0f} s had passed already" for name in names]


def _failed(source: Source, what: str) -> str:
    return f"{source.name} {_WORDS[what]} could not be made"
