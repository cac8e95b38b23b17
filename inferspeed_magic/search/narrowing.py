"""How channels are removed: for so much less time where it is known which of them take it, and by their number."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from inferspeed_magic.pruning import gained
from inferspeed_magic.search.bracket import Bracket

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from inferspeed_magic.formats.routes import Step
    from inferspeed_magic.records import Result

#: Settings of steps.
_SHARE, _LESS, _MULTIPLE, _POWERS = "sparsity_percent", "less_time_percent", "multiple_of", "elasticities"
_FOR_LATENCY = "inferspeed_magic.techniques.channel_pruner:remove_for_latency"
#: Shares of every group: what is tried first, and what can be taken of most of them.
_FIRST, _MOST = 0.5, 0.75
#: Where so much of all channels has less of the latency than this, it says nothing about them.
_WORTH_PERCENT = 25


@dataclass(frozen=True)
class Narrowing:
    """What was measured.

    Attributes:
        multiple_of: widths had better be multiples of this.
        elasticities: by group of channels, the power of its width that the latency goes with; empty where that is not
            known.
    """

    multiple_of: int = 1
    elasticities: Mapping[str, float] = field(default_factory=dict)

    def ways(self) -> tuple[Narrowing, ...]:
        """List ways to go, for one training each: which loses less cannot be known without.

        What removing channels does to answers is measured before what is left learns again; networks differ in how
        well they make up for it, and whether the time or the number of channels is the better guide to that.
        """
        return (self, replace(self, elasticities={})) if self._by_time else (self,)

    def bracket(self) -> Bracket:
        """Start with what goes with half of all channels."""
        return Bracket(self._less_time(_FIRST), self._less_time(_MOST)) if self._by_time else Bracket()

    def step(self, step: Step, percent: int) -> tuple[Step, str]:
        """Make a step that removes a share, and say it in a few words for the candidate's name.

        Args:
            step: that removes channels by their number.
            percent: of the latency, or of the channels where it is not known which of them take it.
        """
        widths = f", in multiples of {self.multiple_of} where they are wide enough" if self.multiple_of > 1 else ""
        if not self._by_time:
            settings = {**dict(step.settings), _SHARE: percent, _MULTIPLE: self.multiple_of}
            words = f"{step.words}, {percent}%{widths}"
            return replace(step, words=words, settings=tuple(sorted(settings.items()))), f"{percent}%"
        powers = json.dumps(dict(sorted(self.elasticities.items())))
        settings = {_LESS: percent, _MULTIPLE: self.multiple_of, _POWERS: powers}
        said = f"for {percent}% less time"
        made = replace(
            step, call=_FOR_LATENCY, words=f"{step.words} {said}{widths}", settings=tuple(sorted(settings.items()))
        )
        return made, said

    @property
    def _by_time(self) -> bool:
        return self._less_time(_MOST) >= _WORTH_PERCENT

    def _less_time(self, share: float) -> int:
        """Say how many percent of the latency go with a share of every group."""
        logarithm = sum(gained(power, share) for power in self.elasticities.values())
        return math.floor(100 * -math.expm1(-logarithm))


def narrowing_of(earlier: Iterable[Result], lesson: str) -> Narrowing | None:
    """Take over how an earlier run removed channels: what it trained need not be trained again.

    Args:
        earlier: results of models that lost channels.
        lesson: key of this run's; what was trained with another one is of no use.
    """
    known = [
        Narrowing(int(settings[_MULTIPLE]), json.loads(settings.get(_POWERS, "{}")))
        for settings in (dict(result.settings) for result in earlier)
        if _MULTIPLE in settings and settings.get("lesson") == lesson[:8]
    ]
    # Where both ways were gone, the one for a time leads to the other, too.
    return max(known, key=lambda each: bool(each.elasticities), default=None)
