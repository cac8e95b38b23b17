"""The panel as plain text, for terminals and for front ends that show no HTML."""

from __future__ import annotations

import textwrap
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from inferspeed_magic.panel.parts import Cell, Column, Failure, Group, Row, Sheet, Tabled
    from inferspeed_magic.panel.view import ProfileView

_WIDTH = 110
_GAP = "  "


def profile_text(view: ProfileView) -> str:
    """Draw the view with aligned columns; latencies and costs are two tables, because one would be too wide."""
    blocks = [
        wrapped([*([view.interrupted] if view.interrupted else ()), *view.headline]),
        wrapped([view.machine, view.title], indent="  "),
        table_lines(view, "latency", with_marks=True),
        table_lines(view, "cost", with_marks=False),
        failure_lines("Not measured", view.failures),
        titled("Warnings", view.warnings),
        titled("Notes", view.notes),
        wrapped(view.footnotes),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def table_lines(view: Tabled, group: Group, *, with_marks: bool) -> list[str]:
    """Draw one group of columns behind the names."""
    places = [place for place, column in enumerate(view.columns) if column.group in ("name", group)]
    if not view.rows or all(view.columns[place].group == "name" for place in places):
        return []
    drawn = [_column(view.columns[place], [row.cells[place] for row in view.rows]) for place in places]
    if with_marks:
        drawn.append(["", *map(_marks, view.rows)])
    return _ruled(drawn)


def sheet_lines(sheet: Sheet) -> list[str]:
    """Draw a small table under its title; nothing where it has no rows."""
    if not sheet.rows:
        return []
    drawn = [_column(column, [row[place] for row in sheet.rows]) for place, column in enumerate(sheet.columns)]
    remarks = [", ".join(cell.remark for cell in row if cell.remark) for row in sheet.rows]
    return [f"{sheet.title}:", *(f"  {line}" for line in _ruled([*drawn, ["", *remarks]]))]


def _ruled(columns: Sequence[Sequence[str]]) -> list[str]:
    """Put columns side by side, and a line below their headers."""
    lines = [_GAP.join(cells).rstrip() for cells in zip(*columns, strict=True)]
    return [lines[0], "-" * max(map(_width, lines)), *lines[1:]]


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


def failure_lines(title: str, failures: Sequence[Failure]) -> list[str]:
    """Say why some are not among the others, under a heading; nothing where there are none."""
    names = [f"{', '.join(one.names)} - {one.status}" if one.status else ", ".join(one.names) for one in failures]
    return titled(title, [f"{name}: {one.reason}" for name, one in zip(names, failures, strict=True)])


def titled(title: str, sentences: Sequence[str]) -> list[str]:
    """Put sentences under a heading; nothing where there are none."""
    return [f"{title}:", *wrapped(sentences, indent="  ")] if sentences else []


def wrapped(sentences: Iterable[str], indent: str = "") -> list[str]:
    """Break sentences into lines that fit a terminal."""
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
