"""The panel as plain text, for terminals and for front ends that show no HTML."""

from __future__ import annotations

import textwrap
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from inferspeed_magic.panel.parts import Cell, Column, Failure, Group, Row
    from inferspeed_magic.panel.view import ProfileView

_WIDTH = 110
_GAP = "  "


def profile_text(view: ProfileView) -> str:
    """Draw the view with aligned columns; latencies and costs are two tables, because one would be too wide."""
    blocks = [
        _wrapped([*([view.interrupted] if view.interrupted else ()), *view.headline]),
        _wrapped([view.machine, view.title], indent="  "),
        _table(view, "latency", with_marks=True),
        _table(view, "cost", with_marks=False),
        _failures(view.failures),
        _titled("Warnings", view.warnings),
        _titled("Notes", view.notes),
        _wrapped(view.footnotes),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _table(view: ProfileView, group: Group, *, with_marks: bool) -> list[str]:
    places = [place for place, column in enumerate(view.columns) if column.group in ("name", group)]
    if not view.rows or all(view.columns[place].group == "name" for place in places):
        return []
    drawn = [_column(view.columns[place], [row.cells[place] for row in view.rows]) for place in places]
    if with_marks:
        drawn.append(["", *map(_marks, view.rows)])
    lines = [_GAP.join(cells).rstrip() for cells in zip(*drawn, strict=True)]
    rule = "-" * max(map(_width, lines))
    return [lines[0], rule, *lines[1:]]


def _column(column: Column, cells: Sequence[Cell]) -> list[str]:
    """Align numbers right and their intervals left, so that both can be compared down the column."""
    value_width = max(_width(cell.text) for cell in cells)
    details = [cell.detail for cell in cells]
    detail_width = max(map(_width, details))
    if not column.numeric:
        return _padded([column.header, *(cell.text for cell in cells)])
    if not detail_width:
        return _padded([column.header, *(cell.text for cell in cells)], right=True)
    body = [
        f"{_pad(cell.text, value_width, right=True)} {_pad(detail, detail_width)}"
        for cell, detail in zip(cells, details, strict=True)
    ]
    return _padded([_pad(column.header, value_width, right=True), *body])


def _marks(row: Row) -> str:
    remarks = [cell.remark for cell in row.cells if cell.remark]
    return ", ".join([*(mark.text for mark in row.marks), *remarks])


def _failures(failures: Iterable[Failure]) -> list[str]:
    return _titled("Not measured", [f"{', '.join(one.names)} - {one.status}: {one.reason}" for one in failures])


def _titled(title: str, sentences: Sequence[str]) -> list[str]:
    return [f"{title}:", *_wrapped(sentences, indent="  ")] if sentences else []


def _wrapped(sentences: Iterable[str], indent: str = "") -> list[str]:
    return [
        line
        for sentence in sentences
        for line in textwrap.wrap(
            sentence,
            _WIDTH,
            initial_indent=indent,
            subsequent_indent=f"{indent}  ",
            # An install command must survive being copied.
            break_on_hyphens=False,
            break_long_words=False,
        )
    ]


def _padded(texts: list[str], *, right: bool = False) -> list[str]:
    width = max(map(_width, texts))
    return [_pad(text, width, right=right) for text in texts]


def _pad(text: str, width: int, *, right: bool = False) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _width(text: str) -> int:
    """Count columns of a terminal: Chinese and Japanese names take two for each character, accents none."""
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in ("W", "F")) for char in text
    )
