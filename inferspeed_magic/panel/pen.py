"""A pen that draws charts with Pillow: smooth lines, dashes, markers, and words that fit."""

from __future__ import annotations

import io
import math
import unicodedata
from bisect import bisect_right
from functools import cache, lru_cache
from itertools import cycle, pairwise
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from PIL.ImageFont import FreeTypeFont, ImageFont

    from inferspeed_magic.panel.identity import Identity

    Point = tuple[float, float]

# Pixels of the finished picture. It is drawn larger and reduced, because Pillow smooths nothing but text.
WIDTH = 1000
TEXT, INK = 13.0, "#1f2328"
_SCALE = 3
# Of each marker: how many corners, where the first one is in degrees, and how far out they are to look equally large.
_MARKERS = {
    "circle": (32, 0, (1.0,)),
    "square": (4, 45, (1.15,)),
    "triangle": (3, -90, (1.2,)),
    "inverted_triangle": (3, 90, (1.2,)),
    "diamond": (4, 90, (1.15,)),
    "star": (10, -90, (1.25, 0.55)),
    "hex": (6, 0, (1.05,)),
}


class Pen:
    """Draws in pixels of the finished picture, and only what the font can draw."""

    def __init__(self, height: float) -> None:
        from PIL import Image, ImageDraw

        self._image = Image.new("RGB", (WIDTH * _SCALE, round(height) * _SCALE), "white")
        self._draw = ImageDraw.Draw(self._image)

    def text(
        self,
        at: Point,
        words: str,
        size: float = TEXT,
        colour: str = INK,
        *,
        align: Literal["l", "m", "r"] = "l",
        bold: bool = False,
        room: float = math.inf,
    ) -> None:
        """Write words, vertically centred; their middle is left out where they need more than ``room``."""
        shown = _shortened(_drawable(words), size, room)
        self._draw.text(_large(at), shown, colour, _font(size), anchor=f"{align}m", stroke_width=int(bold))

    def line(self, points: list[Point], colour: str, width: float = 1.0, dash: Sequence[int] = ()) -> None:
        """Draw a path; ``dash`` are lengths of strokes and gaps."""
        for stroke in _strokes(points, dash):
            self._draw.line([_large(point) for point in stroke], colour, round(width * _SCALE), joint="curve")

    def bar(self, x: Sequence[float], y: Sequence[float], colour: str) -> None:
        """Fill a rectangle, given its horizontal and its vertical ends."""
        (left, top), (right, bottom) = _large((x[0], y[0])), _large((x[1], y[1]))
        if right - left >= 1:
            self._draw.rectangle((left, top, right - 1, bottom - 1), colour)

    def marker(self, at: Point, identity: Identity, *, size: float = 5.5, hollow: bool = False) -> None:
        """Draw a candidate's marker; ``size`` is its radius."""
        # The white rim keeps markers apart that lie on each other.
        layers = [(size + 1.5, "white"), (size, identity.light), *([(size - 1.8, "white")] if hollow else [])]
        for radius, colour in layers:
            self._draw.polygon([_large((at[0] + x, at[1] + y)) for x, y in _corners(identity.marker, radius)], colour)

    def png(self, colours: Iterable[str]) -> bytes:
        """Reduce to the finished size and to shades of the colours in it, which takes a fraction of the bytes."""
        from PIL import Image

        palette = Image.new("P", (1, 1))
        palette.putpalette(_palette(colours))
        file = io.BytesIO()
        small = self._image.reduce(_SCALE).quantize(palette=palette, dither=Image.Dither.NONE)
        small.save(file, "PNG")
        return file.getvalue()


def _strokes(points: list[Point], dash: Sequence[int]) -> Iterator[list[Point]]:
    """Cut a path into dashes, which Pillow does not draw."""
    lengths = cycle(dash or (math.inf,))
    left, drawn, stroke = next(lengths), True, points[:1]
    for begin, end in pairwise(points):
        total, gone = math.dist(begin, end), 0.0
        while total - gone > left:
            gone += left
            cut = (begin[0] + (end[0] - begin[0]) * gone / total, begin[1] + (end[1] - begin[1]) * gone / total)
            if drawn:
                yield [*stroke, cut]
            left, drawn, stroke = next(lengths), not drawn, [cut]
        left -= total - gone
        stroke.append(end)
    if drawn:
        yield stroke


def _corners(marker: str, radius: float) -> Iterator[Point]:
    count, first, lengths = _MARKERS.get(marker, _MARKERS["circle"])
    for corner, length in zip(range(count), cycle(lengths), strict=False):
        angle = math.radians(first + 360 * corner / count)
        yield radius * length * math.cos(angle), radius * length * math.sin(angle)


def _large(point: Point) -> Point:
    return point[0] * _SCALE, point[1] * _SCALE


def _palette(colours: Iterable[str]) -> list[int]:
    """Give 16 greys, and of each colour six tints."""
    from PIL import ImageColor

    greys = [level * 17 for level in range(16) for _ in "rgb"]
    known = [ImageColor.getrgb(colour) for colour in dict.fromkeys(colours)]
    tints = [255 - (255 - part) * level // 6 for colour in known for level in range(1, 7) for part in colour]
    return (greys + tints)[: 3 * 256]


@cache
def _font(size: float) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size * _SCALE)


@lru_cache(maxsize=512)
def length(words: str, size: float = TEXT) -> float:
    """Tell how long words are."""
    return _font(size).getlength(_drawable(words)) / _SCALE


def _shortened(words: str, size: float, room: float) -> str:
    """Leave out the middle of what is too long: candidates often differ at the beginning or at the end."""

    def without_middle(kept: int) -> str:
        return f"{words[: kept - kept // 2]}…{words[len(words) - kept // 2 :]}"

    def too_long(shown: str) -> bool:
        return _font(size).getlength(shown) > room * _SCALE

    if not too_long(words):
        return words
    kept = bisect_right(range(1, len(words)), 0, key=lambda kept: int(too_long(without_middle(kept))))
    return without_middle(kept)


def _drawable(words: str) -> str:
    """Spell in ASCII, which is all that Pillow's own font has."""
    return "".join(map(_spelt, " ".join(words.split())))


def _spelt(char: str) -> str:
    letters = unicodedata.normalize("NFKD", "u" if char == "µ" else char)
    plain = "".join(letter for letter in letters if unicodedata.category(letter) not in {"Mn", "Me", "Cf"})
    return plain if plain.isascii() and plain.isprintable() else "?"
