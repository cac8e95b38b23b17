"""How candidates are told apart in every picture and table: by colour, marker and dash, never by colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Identity:
    """What marks one candidate.

    Attributes:
        light: colour on light backgrounds, at least 4.5:1 against white.
        dark: colour on dark backgrounds, at least 4.5:1 against the dark themes of notebooks.
        either: colour where the background is not known, at least 3:1 on both (markers only, no words).
        marker: Bokeh's name of the marker.
        glyph: the same marker as a character.
        dash: lengths of strokes and gaps in pixels; empty for a solid line.
    """

    light: str
    dark: str
    either: str
    marker: str
    glyph: str
    dash: tuple[int, ...]


# After Okabe and Ito (2008), darkened for light and lightened for dark backgrounds. tests/panel/test_identity.py
# computes the contrasts.
_COLOURS = (
    ("#0072b2", "#56b4e9", "#2a7fc0"),
    ("#b34700", "#f0904d", "#cc5f1a"),
    ("#007a5e", "#2fc79a", "#178a6b"),
    ("#a93f78", "#e58fbe", "#bd5a90"),
    ("#856200", "#dcb42e", "#997511"),
    ("#5b4bc4", "#a99cf2", "#7a6cd6"),
    ("#a3262e", "#ff8a80", "#cf4a4f"),
    ("#4d6b19", "#a6cf5b", "#678a2a"),
)
_MARKERS = (
    ("circle", "●"),
    ("square", "■"),
    ("triangle", "▲"),
    ("diamond", "◆"),
    ("inverted_triangle", "▼"),
    ("star", "★"),
    ("hex", "⬢"),
)
_DASHES = ((), (6, 3), (2, 2), (8, 3, 2, 3), (10, 4), (1, 3))


def identities(names: Iterable[str]) -> dict[str, Identity]:
    """Give each candidate its own look, the same wherever it is drawn.

    The cycles have different lengths (8 colours, 7 markers, 6 dashes), so that the first 56 candidates share no pair of
    colour and marker.
    """
    return {name: _identity(place) for place, name in enumerate(dict.fromkeys(names))}


def _identity(place: int) -> Identity:
    marker, glyph = _MARKERS[place % len(_MARKERS)]
    return Identity(*_COLOURS[place % len(_COLOURS)], marker, glyph, _DASHES[place % len(_DASHES)])
