"""What the charts of ``explain`` draw, as plain data beside the view: layers under roofs, latency over batch size.

The roofline model: Williams, Waterman & Patterson, CACM 52(4), 2009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from inferspeed_magic.panel.explain_layers import layers_of, models_of, work_of
from inferspeed_magic.panel.explain_levels import levels_of
from inferspeed_magic.panel.explain_numbers import amount, latency_cell, percent
from inferspeed_magic.panel.explain_view import unit_of
from inferspeed_magic.panel.numbers import number, whole_or_short
from inferspeed_magic.panel.parts import one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inferspeed_magic.panel.explain_layers import Layer, Work
    from inferspeed_magic.panel.explain_levels import Level
    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.records import Ceilings, ExplanationRecord, Interval

    Place = tuple[float, float]

#: Beside the layers, as a factor: how far roofs go on.
_MARGIN = 1.6
#: FLOP/byte of the lines that stand for roofs where nothing was measured.
_INTENSITIES = (0.1, 1.0, 10.0, 100.0)
_STEPS = 24
#: Letters of a roof's tag, at most.
_TAG = 16
#: Roofs nearer to each other than this are drawn as one.
_ALIKE = 0.85
_KB, _MFLOP = 1e3, 1e6


@dataclass(frozen=True)
class LayerDot:
    """A layer under the roofs.

    Attributes:
        model, layer: whose.
        x, y: arithmetic intensity and GFLOP/s reached; where nothing was timed, kB moved and MFLOP.
        share: of its model's time, or of its operations.
        told: its numbers in words.
    """

    model: str
    layer: str
    x: float
    y: float
    share: float
    told: str


@dataclass(frozen=True)
class Roof:
    """What no layer gets above: a level of memory, or the arithmetic.

    Attributes:
        tag: a short name of it.
        words: the same with its number.
        places: where it begins and ends.
        main: whether float32 runs into it.
    """

    tag: str
    words: str
    places: tuple[Place, ...]
    main: bool = True


@dataclass(frozen=True)
class FitLine:
    """A model's latency over batch size in milliseconds: measured points, and the line through them."""

    model: str
    points: tuple[tuple[int, Interval], ...]
    line: tuple[Place, ...]
    fixed_ms: float
    told: str


@dataclass(frozen=True)
class ExplainCharts:
    """Everything that the charts need.

    Attributes:
        run: tells runs apart.
        unit: of latencies; the numbers themselves are in milliseconds.
        kind: ``roofline``, or ``work`` where nothing was timed.
        dots: layers, those that take longest first.
        undrawn: layers that have no place: without a count, without operations, fused into others.
        roofs: above them.
        fits: by runtime.
    """

    run: str
    unit: TimeUnit
    kind: Literal["roofline", "work"]
    dots: tuple[LayerDot, ...]
    undrawn: int
    roofs: tuple[Roof, ...]
    fits: dict[str, tuple[FitLine, ...]]


def explain_charts(record: ExplanationRecord) -> ExplainCharts:
    """Turn a record into what its charts draw."""
    models = layers_of(record)
    unit = unit_of(record)
    timed = any(layer.runtime for layers in models.values() for layer in layers)
    dots = sorted((dot for layers in models.values() for dot in _dots(layers, timed=timed)), key=lambda dot: -dot.share)
    roofs = _roofs(record.ceilings, dots) if timed else _equal_intensities(dots)
    return ExplainCharts(
        run=f"{record.profile.created} {' '.join(models_of(record))} explained",
        unit=unit,
        kind="roofline" if timed else "work",
        dots=tuple(dots),
        undrawn=sum(len(layers) for layers in models.values()) - len(dots),
        roofs=tuple(roofs),
        fits=_fits(record, unit),
    )


def _dots(layers: Sequence[Layer], *, timed: bool) -> Iterator[LayerDot]:
    for layer in layers:
        work = work_of(layer, layers) if timed else _own(layer)
        if work is None or not work.flops > 0 or not work.moved_bytes > 0:
            continue
        place = (work.moved_bytes / _KB, work.flops / _MFLOP)
        rate = None
        if timed:
            if not (layer.time_us > 0 and math.isfinite(layer.time_us)):
                continue
            rate = work.flops / layer.time_us / 1e3
            place = (work.intensity, rate)
        share = layer.share if math.isfinite(layer.share) else 0.0
        yield LayerDot(layer.model, layer.words, *place, share, _told(layer, work, rate))


def _own(layer: Layer) -> Work | None:
    return work_of(layer, (layer,))


def _told(layer: Layer, work: Work, rate: float | None) -> str:
    kind = f"{layer.kind}, " if layer.kind else ""
    amounts = f"{amount(work.flops, 'FLOP')}, {amount(work.moved_bytes, 'B')} moved ({number(work.intensity)} FLOP/B)"
    if rate is None:
        return f"{kind}{percent(layer.share)} of the operations: {amounts}"
    time = layer.time
    ceiling = f", {percent(time.ceiling_share)} of its ceiling" if time and time.ceiling_share is not None else ""
    bound = f"; held back by {layer.held_back_by}" if layer.held_back_by else ""
    return (
        f"{kind}{number(layer.time_us)} µs, {percent(layer.share)} of its model: {amounts}, "
        f"{number(rate)} GFLOP/s{bound}{ceiling}"
    )


def _roofs(ceilings: Ceilings | None, dots: Sequence[LayerDot]) -> Iterator[Roof]:
    """Draw each level of memory up to the peak of float32, and the peaks from where the fastest level meets them."""
    if ceilings is None or not dots:
        return
    levels = _told_apart(levels_of(ceilings))
    peaks = {name: rate for name, rate in ceilings.gflop_per_s.items() if rate > 0 and math.isfinite(rate)}
    peak = peaks.get("float32", max(peaks.values(), default=math.inf))
    left = min(dot.x for dot in dots) / _MARGIN
    right = max(dot.x for dot in dots) * _MARGIN
    if levels and math.isfinite(peak):
        right = max(right, peak / min(levels.values()) * _MARGIN)
    for level, bandwidth in levels.items():
        end = min(right, peak / bandwidth)
        if left < end:
            yield Roof(
                shortened(level, _TAG),
                f"{level} {number(bandwidth)} GB/s",
                ((left, left * bandwidth), (end, end * bandwidth)),
            )
    for precision, rate in peaks.items():
        begin = max(left, rate / max(levels.values())) if levels else left
        words = f"{one_line(precision)} {number(rate)} GFLOP/s"
        yield Roof(shortened(precision, _TAG), words, ((min(begin, right), rate), (right, rate)), main=rate == peak)


def _told_apart(levels: Sequence[Level]) -> dict[str, float]:
    """Give bandwidth by name, the fastest first; levels whose roofs would lie on each other have one."""
    found: dict[str, float] = {}
    for each in sorted(levels, key=lambda level: -level.gb_per_s):
        name = one_line(each.level)
        last = next(reversed(found), None)
        if last is not None and each.gb_per_s > _ALIKE * found[last]:
            found[f"{last}, {name}"] = found.pop(last)
        else:
            found[name] = each.gb_per_s
    return found


def _equal_intensities(dots: Sequence[LayerDot]) -> Iterator[Roof]:
    """Draw lines of equal arithmetic intensity, where nothing was measured."""
    if not dots:
        return
    left, right = min(dot.x for dot in dots) / _MARGIN, max(dot.x for dot in dots) * _MARGIN
    for intensity in _INTENSITIES:
        words = f"{whole_or_short(intensity)} FLOP/B"
        slope = intensity * _KB / _MFLOP
        yield Roof(words, words, ((left, left * slope), (right, right * slope)), main=False)


def _fits(record: ExplanationRecord, unit: TimeUnit) -> dict[str, tuple[FitLine, ...]]:
    found: dict[str, list[FitLine]] = {}
    for fit in record.fits:
        points = tuple((size, each) for size, each in fit.points if math.isfinite(each.value))
        fixed, slope = fit.fixed_ms.value, fit.per_sample_ms.value
        if not points:
            continue
        last = max(size for size, _ in points)
        line: tuple[Place, ...] = ()
        if math.isfinite(fixed) and math.isfinite(slope):
            line = tuple((last * step / _STEPS, fixed + slope * last * step / _STEPS) for step in range(_STEPS + 1))
        cells = [latency_cell(each, unit) for each in (fit.fixed_ms, fit.per_sample_ms)]
        cost, sample = (f"{cell.text} {unit.name} {cell.detail}".rstrip() for cell in cells)
        doubt = "" if fit.fits else ", but it is no straight line"
        told = f"{cost} for the call and {sample} for each sample{doubt}"
        found.setdefault(fit.runtime, []).append(FitLine(fit.model, points, line, fixed, told))
    return {runtime: tuple(lines) for runtime, lines in found.items()}
