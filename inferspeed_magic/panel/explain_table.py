"""The table of layers, and the ten that take longest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from inferspeed_magic.panel.explain_layers import work_of
from inferspeed_magic.panel.explain_numbers import amount, amount_cell, percent_cell
from inferspeed_magic.panel.explain_parts import LayerRow, LayerTable
from inferspeed_magic.panel.numbers import MISSING, interval_range, number
from inferspeed_magic.panel.parts import Cell, Column, Sheet, listed, one_line
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from inferspeed_magic.panel.explain_layers import Layer
    from inferspeed_magic.panel.identity import Identity

    Models = Mapping[str, Sequence[Layer]]

#: Rows of the table for each model, and the layers that text names.
MOST_ROWS, LONGEST = 200, 10


class _Drawn(NamedTuple):
    column: Column
    draw: Callable[[Layer], Cell]


def layer_table(models: Models, looks: Mapping[str, Identity]) -> LayerTable:
    """Make a row for each layer of each model; columns that would be empty everywhere are left out."""
    everything = [layer for layers in models.values() for layer in layers]
    if not everything:
        return LayerTable("")
    by_time = any(layer.runtime for layer in everything)
    drawn = [
        each
        for each in _columns(models)
        if each.column.key in ("layer", "share") or any(each.draw(layer).text != MISSING for layer in everything)
    ]
    ranks = {model: [id(layer) for layer in sorted(layers, key=_length)] for model, layers in models.items()}
    first = {each for places in ranks.values() for each in places[:MOST_ROWS]}
    ordered = sorted(everything, key=_length)
    made = {
        id(layer): LayerRow(layer.model, looks[layer.model], tuple(each.draw(layer) for each in drawn), layer.share)
        for layer in ordered
    }
    runtimes = list(dict.fromkeys(layer.runtime for layer in everything if layer.runtime))
    order = f"the slowest in {listed(runtimes)} first" if by_time else "those with most operations first"
    return LayerTable(
        title=f"All {len(everything)} layers, {one_line(order)}",
        columns=tuple(each.column for each in drawn),
        rows=tuple(made[id(layer)] for layer in ordered if id(layer) in first),
        rest=tuple(made[id(layer)] for layer in ordered if id(layer) not in first),
        by_time=by_time,
    )


def longest_sheet(models: Models) -> Sheet:
    """Show the layers that take longest; where nothing was timed, those with most operations."""
    everything = [layer for layers in models.values() for layer in layers if layer.share > 0]
    by_time = any(layer.runtime for layer in everything)
    shown = sorted(everything, key=_length)[:LONGEST]
    if not shown:
        return Sheet("")
    wanted = ("layer", "model", "flops", "bytes_moved", "share", "held_back_by", "ceiling_share")
    drawn = [
        each for each in _columns(models, moved=True) if each.column.key in wanted or each.column.key in _times(models)
    ]
    drawn = [each for each in drawn if any(each.draw(layer).text != MISSING for layer in shown)]
    largest = shown[0].share
    words = "take longest" if by_time else "have most operations"
    title = f"The {len(shown)} layers that {words}" if len(shown) > 1 else f"The layer that {words[:-1]}"
    return Sheet(
        title=title,
        columns=tuple(each.column for each in drawn),
        rows=tuple(tuple(each.draw(layer) for each in drawn) for layer in shown),
        bars=tuple((0.0, layer.share / largest) for layer in shown),
        bar_header="share of its model",
    )


def _length(layer: Layer) -> float:
    """Sort by time, else by operations; what has neither comes last."""
    spent = layer.time_us if layer.runtime else float(layer.count.flops if layer.count else 0)
    return -spent if math.isfinite(spent) else math.inf


def _times(models: Models) -> dict[str, str]:
    """Give the column of each runtime that layers were timed in, those that were looked into first before others."""
    everything = [layer for layers in models.values() for layer in layers]
    first = [layer.runtime for layer in everything if layer.runtime]
    names = dict.fromkeys([*first, *(name for layer in everything for name in layer.times)])
    return {f"time_us_{name}": f"{one_line(name)} µs" if len(names) > 1 else "time µs" for name in names}


def _columns(models: Models, *, moved: bool = False) -> Iterator[_Drawn]:
    def words(key: str, header: str, draw: Callable[[Layer], Cell]) -> _Drawn:
        return _Drawn(Column(key, header, "name", numeric=False), draw)

    def counted(key: str, header: str, unit: str = "") -> _Drawn:
        def draw(layer: Layer) -> Cell:
            return amount_cell(getattr(layer.count, key), unit) if layer.count else Cell(MISSING)

        return _Drawn(Column(key, header, "cost"), draw)

    def time_in(runtime: str) -> Callable[[Layer], Cell]:
        return lambda layer: _time(layer, runtime)

    yield words("layer", "layer", lambda layer: Cell(layer.words, remark=layer.kind))
    if len(models) > 1:
        yield words("model", "model", lambda layer: Cell(one_line(layer.model)))
    yield counted("params", "params")
    yield counted("macs", "MACs")
    yield counted("flops", "FLOP")
    if moved:
        yield _Drawn(Column("bytes_moved", "moved", "cost"), lambda layer: _moved(layer, models[layer.model]))
    yield counted("bytes_read", "read", "B")
    yield counted("bytes_written", "written", "B")
    yield _Drawn(Column("arithmetic_intensity", "FLOP/B", "cost"), _intensity)
    for key, header in _times(models).items():
        yield _Drawn(Column(key, header, "latency"), time_in(key.removeprefix("time_us_")))
    of_what = "share" if any(layer.runtime for layers in models.values() for layer in layers) else "of FLOP"
    yield _Drawn(Column("share", of_what, "latency"), lambda layer: percent_cell(layer.share))
    yield words("held_back_by", "held back by", lambda layer: Cell(layer.held_back_by or MISSING))
    yield _Drawn(Column("ceiling_share", "of ceiling", "latency"), _ceiling)


def _moved(layer: Layer, layers: Sequence[Layer]) -> Cell:
    """Show what its operator moves, with all that is fused into it."""
    work = work_of(layer, layers)
    return Cell(MISSING) if work is None else Cell(amount(work.moved_bytes, "B"), work.moved_bytes)


def _intensity(layer: Layer) -> Cell:
    intensity = layer.count.arithmetic_intensity if layer.count else math.nan
    return Cell(number(intensity), intensity)


def _time(layer: Layer, runtime: str) -> Cell:
    time = layer.times.get(runtime)
    if time is None or not math.isfinite(time.time_us) or time.fused_into is not None:
        return Cell(MISSING)
    detail = interval_range(Interval(time.time_us, time.low_us, time.high_us))
    return Cell(number(time.time_us), time.time_us, time.low_us, time.high_us, detail)


def _ceiling(layer: Layer) -> Cell:
    return percent_cell(layer.time.ceiling_share if layer.time else None)
