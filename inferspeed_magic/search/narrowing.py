"""How channels are removed: for so much less time where it is known which of them take it, else by their number."""

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
_SHARE, _LESS, _MULTIPLE, _PARTS = "sparsity_percent", "less_time_percent", "multiple_of", "parts"
_FOR_LATENCY = "inferspeed_magic.techniques.channel_pruner:remove_for_latency"
#: Of every group, so much may go at most.
_HALF, _MOST = 0.5, 0.9
#: Where all channels together have less of the latency than this, it says nothing about them.
_WORTH_PERCENT = 30


@dataclass(frozen=True)
class Narrowing:
    """What was measured.

    Attributes:
        multiple_of: widths had better be multiples of this.
        parts: of the latency, by group of channels; empty where that is not known.
    """

    multiple_of: int = 1
    parts: Mapping[str, float] = field(default_factory=dict)

    @property
    def bracket(self) -> Bracket:
        """Start with what goes with half of all channels."""
        return Bracket(self._less_time(_HALF), self._less_time(_MOST)) if self._by_time else Bracket()

    def step(self, step: Step, percent: int) -> tuple[Step, str]:
        """Make a step that removes a share, and say it in a few words for the candidate's name.

        Args:
            step: that removes channels by their number.
            percent: of the latency, or of the channels where it is not known which of them take it.
        """
        widths = f", in multiples of {self.multiple_of}" if self.multiple_of > 1 else ""
        if not self._by_time:
            settings = {**dict(step.settings), _SHARE: percent, _MULTIPLE: self.multiple_of}
            words = f"{step.words}, {percent}%{widths}"
            return replace(step, words=words, settings=tuple(sorted(settings.items()))), f"{percent}%"
        parts = json.dumps(dict(sorted(self.parts.items())))
        settings = {_LESS: percent, _MULTIPLE: self.multiple_of, _PARTS: parts}
        words = f"{step.words} for {percent}% less time{widths}"
        made = replace(step, call=_FOR_LATENCY, words=words, settings=tuple(sorted(settings.items())))
        return made, f"{percent}% less time"

    @property
    def _by_time(self) -> bool:
        return self._less_time(_MOST) >= _WORTH_PERCENT

    def _less_time(self, share: float) -> int:
        """Say how many percent of the latency go with a share of every group."""
        return math.floor(100 * -math.expm1(-sum(gained(part, share) for part in self.parts.values())))


def narrowing_of(earlier: Iterable[Result]) -> Narrowing | None:
    """Take over how an earlier run removed channels: what it trained need not be trained again.

    Args:
        earlier: results of models that lost channels.
    """
    for result in earlier:
        settings = dict(result.settings)
        if _MULTIPLE in settings:
            return Narrowing(int(settings[_MULTIPLE]), json.loads(settings.get(_PARTS, "{}")))
    return None
