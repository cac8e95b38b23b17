"""What the view of ``explain`` is made of, beside the parts that all views share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.panel.identity import identities

if TYPE_CHECKING:
    from inferspeed_magic.panel.identity import Identity
    from inferspeed_magic.panel.parts import Cell, Column, Sheet

#: What a call is made of, in the order of its bars, and what could not be told apart.
PARTS = ("python", "dispatch", "transfer", "compute")
UNSPLIT, WHOLE = "not split", "whole"
#: None of their colours is that of one of the first models.
_FREE = 4
LOOKS: dict[str, Identity] = {
    part: look for part, look in identities([*map(str, range(_FREE)), *PARTS]).items() if part in PARTS
}


@dataclass(frozen=True)
class Segment:
    """A piece of a bar.

    Attributes:
        begin, end: where it is, as shares of the room for the bar.
        part: what it stands for; ``not split`` and ``whole`` have the colour of the words around them.
    """

    begin: float
    end: float
    part: str


@dataclass(frozen=True)
class BarSheet:
    """A small table with a bar in each row that may have several pieces.

    Attributes:
        sheet: all but the bars.
        bars: of each row.
        bar_header: what they show.
        spans: where the 95% interval of the end of each bar lies, as shares of the room; empty where none is drawn.
    """

    sheet: Sheet
    bars: tuple[tuple[Segment, ...], ...] = ()
    bar_header: str = ""
    spans: tuple[tuple[float, float] | None, ...] = ()


@dataclass(frozen=True)
class Card:
    """A finding; what is not known is an empty string.

    Attributes:
        number: its place in the report, from 1.
        model: that it is about.
        subject: the same where there are several.
        identity: of the model.
        cause: the slug in words.
        sentence: what was found.
        evidence: what, the number, where it was taken from.
        evidence_words: each number in a few words.
        confidence: in words and percent.
        explains: of the latency, what it accounts for.
        advice: what to do.
        expected: gain.
        measured: gain that an experiment found, and whether it is as expected.
        verify: code that runs that experiment.
    """

    number: int
    model: str
    subject: str
    identity: Identity
    cause: str
    sentence: str
    evidence: Sheet
    evidence_words: tuple[str, ...]
    confidence: str
    explains: str
    advice: str
    expected: str
    measured: str
    verify: str


@dataclass(frozen=True)
class LayerRow:
    """A layer in the table of layers; ``share`` is that of its model's time, NaN where that is not known."""

    model: str
    identity: Identity
    cells: tuple[Cell, ...]
    share: float


@dataclass(frozen=True)
class LayerTable:
    """All layers of all models.

    Attributes:
        title: what it holds.
        columns: the first names the layer.
        rows: those that take longest first; where nothing was timed, those that compute most.
        rest: what a notebook has no room for at first.
        by_time: whether shares are those of time; else they are those of operations.
    """

    title: str
    columns: tuple[Column, ...] = ()
    rows: tuple[LayerRow, ...] = ()
    rest: tuple[LayerRow, ...] = ()
    by_time: bool = True


@dataclass(frozen=True)
class StructureRow:
    """A layer, or several that are left out, in the order of execution.

    Attributes:
        words: its name and kind.
        text: its share in words.
        heat: how much of the largest share that is, 0-1; 0 for what takes no time of its own.
        told: kind, shape of its output, time, and what bounds it.
        takes: what feeds it, in words; empty where that is the row above alone.
        feeds: places of the rows above that feed it.
        lane: how far to the right it stands, from 0.
    """

    words: str
    text: str
    heat: float
    told: str = ""
    takes: str = ""
    feeds: tuple[int, ...] = ()
    lane: int = 0


@dataclass(frozen=True)
class Structure:
    """A model from its input to its output.

    Attributes:
        title: whose, and what its colours say.
        rows: all of its layers.
        short: the same without runs of short ones, for where nothing scrolls.
        lanes: how many stand beside each other.
    """

    title: str
    rows: tuple[StructureRow, ...]
    short: tuple[StructureRow, ...] = ()
    lanes: int = 1
