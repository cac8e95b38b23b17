"""The curves of one training as a small figure in HTML: lines are drawn, and all words and numbers stand beside them.

Sanitizers drop drawings and keep what is written in them, so that nothing is written there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from inferspeed_magic.panel.axis import Axis, known
from inferspeed_magic.panel.identity import identities
from inferspeed_magic.panel.numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inferspeed_magic.records import Epoch

_WIDTH, _HEIGHT, _MARGIN = 280, 84, 5
_MOST_POINTS = 120
#: Beyond this ratio of the highest to the lowest loss, the low ones would lie on the ground.
_LOG_LOSSES = 10
#: Accuracies that differ by less look alike.
_LEAST_SPAN = 0.1
_GREY = "rgba(128,128,128,.6)"


@dataclass(frozen=True)
class _Curve:
    """One line of the figure; values that are none leave a gap."""

    words: str
    shown: str
    values: tuple[float | None, ...]
    axis: Axis
    colour: str
    width: float
    dash: tuple[int, ...] = ()


def lowest(epochs: Sequence[Epoch]) -> Epoch:
    """Give the epoch with the lowest loss on other samples, of the last stage: what came before was changed again."""
    last = [epoch for epoch in epochs if epoch.stage == epochs[-1].stage]
    return min(last, key=lambda epoch: epoch.check_loss if math.isfinite(epoch.check_loss) else math.inf)


def training_figure(epochs: Sequence[Epoch]) -> str:
    """Draw loss, loss on other samples and accuracy there; empty where nothing can be drawn.

    Args:
        epochs: of one training, in their order.
    """
    if not epochs:
        return ""
    shown = _thinned(epochs)
    curves = [curve for curve in _curves(shown, lowest(epochs)) if any(map(known, curve.values))]
    if not curves:
        return ""
    x = Axis(1, max(2, shown[-1].epoch), log=False, begin=_MARGIN, end=_WIDTH - _MARGIN)
    lines = "".join(line for curve in curves for line in _lines(curve, shown, x))
    items = "".join(_item(curve) for curve in curves)
    return (
        f'<div class="inferspeed-training" style="max-width:{_WIDTH}px"><div style="font-size:.85em">{items}</div>'
        f'<svg aria-hidden="true" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'style="display:block;max-width:100%;border-left:1px solid {_GREY};border-bottom:1px solid {_GREY}">'
        f"{_stages(shown, x)}{lines}{_dot(curves, shown, lowest(epochs), x)}</svg></div>"
    )


def _thinned(epochs: Sequence[Epoch]) -> list[Epoch]:
    """Take every so many where there are very many, the last one and the lowest among them."""
    stride = -(-len(epochs) // _MOST_POINTS)
    last, low = len(epochs) - 1, lowest(epochs)
    return [epoch for place, epoch in enumerate(epochs) if place % stride == 0 or place == last or epoch is low]


def _curves(epochs: Sequence[Epoch], low: Epoch) -> Iterator[_Curve]:
    """Put both losses on one axis, logarithmic where they differ much, and accuracy on another."""
    looks = identities(("loss", "check_loss", "check_accuracy"))
    losses = tuple(_finite(epoch.loss) for epoch in epochs)
    checks = tuple(_finite(epoch.check_loss) for epoch in epochs)
    accuracies = tuple(_finite(epoch.check_accuracy) for epoch in epochs)
    axis = _loss_axis([value for value in (*losses, *checks) if value is not None])
    if axis is not None:
        yield _Curve("loss", _ends(losses, epochs[-1].loss), losses, axis, "currentColor", 1.2)
        if checks != losses:
            colour = looks["check_loss"].either
            yield _Curve("on other samples", _ends(checks, low.check_loss), checks, axis, colour, 2.0)
    seen = [value for value in accuracies if value is not None]
    if seen:
        high = min(1.0, max(seen) + 0.02)
        floor = max(0.0, min(*seen, high - _LEAST_SPAN) - 0.02)
        words = f"{seen[0]:.1%} to {seen[-1] if low.check_accuracy is None else low.check_accuracy:.1%}"
        drawn = Axis(floor, high, log=False, begin=_HEIGHT - _MARGIN, end=_MARGIN)
        yield _Curve("right there", words, accuracies, drawn, looks["check_accuracy"].either, 1.6, (5, 3))


def _loss_axis(values: Sequence[float]) -> Axis | None:
    if not values:
        return None
    low, high = min(values), max(values)
    if low > 0 and high >= _LOG_LOSSES * low:
        return Axis(low, high, log=True, begin=_HEIGHT - _MARGIN, end=_MARGIN)
    # One value alone lies in the middle.
    room = (high - low) or abs(high) or 1.0
    margin = 0.0 if high > low else room / 2
    return Axis(low - margin, high + margin, log=False, begin=_HEIGHT - _MARGIN, end=_MARGIN)


def _ends(values: Sequence[float | None], end: float) -> str:
    first = next((value for value in values if value is not None), math.nan)
    return f"{number(first)} to {number(end)}"


def _finite(value: float | None) -> float | None:
    return value if known(value) and math.isfinite(value) else None


def _lines(curve: _Curve, epochs: Sequence[Epoch], x: Axis) -> Iterator[str]:
    """Draw a line through what hangs together: gaps and stages part it. A single value is a dot."""
    pieces: list[list[str]] = [[]]
    stage = epochs[0].stage
    for epoch, value in zip(epochs, curve.values, strict=True):
        if value is None or epoch.stage != stage:
            pieces.append([])
        stage = epoch.stage
        if value is not None:
            pieces[-1].append(f"{x.at(epoch.epoch):.1f},{curve.axis.at(value):.1f}")
    dash = f' stroke-dasharray="{" ".join(map(str, curve.dash))}"' if curve.dash else ""
    for piece in pieces:
        if len(piece) == 1:
            across, down = piece[0].split(",")
            yield f'<circle cx="{across}" cy="{down}" r="{curve.width + 0.6:.1f}" fill="{curve.colour}"></circle>'
        elif piece:
            yield (
                f'<polyline points="{" ".join(piece)}" fill="none" stroke="{curve.colour}" '
                f'stroke-width="{curve.width}" stroke-linejoin="round"{dash}></polyline>'
            )


def _stages(epochs: Sequence[Epoch], x: Axis) -> str:
    """Draw a faint line where the next stage begins."""
    begins = [one for before, one in pairwise(epochs) if one.stage != before.stage]
    places = [x.at(epoch.epoch - 0.5) for epoch in begins]
    return "".join(
        f'<line x1="{place:.1f}" x2="{place:.1f}" y1="0" y2="{_HEIGHT}" stroke="currentColor" opacity=".4" '
        'stroke-dasharray="2 3"></line>'
        for place in places
    )


def _dot(curves: Sequence[_Curve], epochs: Sequence[Epoch], low: Epoch, x: Axis) -> str:
    """Mark the epoch with the lowest loss on other samples."""
    curve = next((each for each in curves if each.words == "on other samples"), None)
    if curve is None or not known(value := curve.values[epochs.index(low)]):
        return ""
    across, down = x.at(low.epoch), curve.axis.at(value)
    return f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3.6" fill="{curve.colour}"></circle>'


def _item(curve: _Curve) -> str:
    line = "dashed" if curve.dash else "solid"
    swatch = f"display:inline-block;width:1.5em;margin-right:.3em;vertical-align:middle;border-top:2px {line}"
    return (
        f'<span style="white-space:nowrap;margin-right:.9em"><span aria-hidden="true" '
        f'style="{swatch} {curve.colour}"></span>{escape(curve.words)} {escape(curve.shown)}</span> '
    )
