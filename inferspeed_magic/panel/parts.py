"""What views are made of: plain data, already formatted and still with the numbers. Every verb's panel uses these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.identity import Identity

#: Classes of whatever holds names that people chose: front ends would make formulas of ``$x$``.
NO_FORMULAS = "tex2jax_ignore mathjax_ignore"

Group = Literal["name", "latency", "cost", "outcome"]
MarkKind = Literal["baseline", "fastest", "smallest", "warning", "winner", "original", "front"]


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        key: the name of the column in ``to_pandas()``.
        header: what people read, unit included.
        group: what the column tells: which candidate it is, how fast it is, what it costs, what became of it.
        numeric: whether cells align right.
    """

    key: str
    header: str
    group: Group
    numeric: bool = True


@dataclass(frozen=True)
class Cell:
    """A cell: ``text`` to read, ``number`` (with its interval) to draw, sort and divide by.

    Attributes:
        text: the formatted value.
        number: the value in the unit of ``to_pandas()``, not in that of the header.
        low, high: its 95% confidence interval.
        detail: the formatted interval.
        remark: a word about the value ("no difference seen").
        best: whether to make it stand out.
    """

    text: str
    number: float | None = None
    low: float | None = None
    high: float | None = None
    detail: str = ""
    remark: str = ""
    best: bool = False


@dataclass(frozen=True)
class Mark:
    """A badge of a row."""

    kind: MarkKind
    text: str
    why: str = ""


@dataclass(frozen=True)
class Row:
    """A measured candidate; ``cells`` are in the order of the view's columns."""

    name: str
    model: str
    runtime: str
    batch_size: int
    cells: tuple[Cell, ...]
    identity: Identity
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Candidates that were not measured (or not chosen, or not tried), for the same reason; status may be empty."""

    names: tuple[str, ...]
    status: str
    reason: str


class Tabled(Protocol):
    """A view with a table of candidates."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the table tells."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The candidates that were measured."""


@dataclass(frozen=True)
class Sheet:
    """A small table beside that of the candidates.

    Attributes:
        title: what it shows.
        columns: what they hold; their groups mean nothing here.
        rows: cells in the order of the columns.
        bars: where the bar of each row begins and ends, as shares of the room for it; empty for no bars.
        bar_header: what the bars show.
    """

    title: str
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    bars: tuple[tuple[float, float], ...] = ()
    bar_header: str = ""


def one_line(text: str) -> str:
    """Make somebody else's text fit for a line: no line breaks, no control characters, nothing UTF-8 cannot hold."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in line)


def shortened(text: str, most: int = 24) -> str:
    """Leave out the middle of a long name: both ends tell names apart."""
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most // 2]}…{line[-(most // 2 - 1) :]}"


def listed(words: Sequence[str]) -> str:
    """Join as a sentence does: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
