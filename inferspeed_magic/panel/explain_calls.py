"""Every way to call a model, taken apart; and from one model's latency to another's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inferspeed_magic.panel.explain_numbers import latency_cell, percent
from inferspeed_magic.panel.explain_parts import PARTS, UNSPLIT, WHOLE, BarSheet, Segment
from inferspeed_magic.panel.numbers import MISSING, number, with_interval
from inferspeed_magic.panel.parts import Cell, Column, Sheet, listed, one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.records import CallPath, ExplanationRecord, Interval

_NOTHING = 1e-9
_WAYS_NAMED = 8


def paths_sheet(record: ExplanationRecord, models: Sequence[str], unit: TimeUnit) -> BarSheet:
    """Show for each way how long each model takes and on what; bars of one way share a scale."""
    ways = dict.fromkeys(path.way for path in record.call_paths)
    paths = [path for way in ways for path in record.call_paths if path.way == way and _known(path)]
    if not paths:
        return BarSheet(Sheet(""))
    parts = _parts_of(paths)
    idle = any(path.call_ms is not None for path in paths)
    columns = [Column("way", "way to call it", "name", numeric=False)]
    columns += [Column("model", "model", "name", numeric=False)] if len(models) > 1 else []
    columns += [Column("latency_ms", f"p50 {unit.name}", "latency")]
    columns += [Column(part, f"{part} {unit.name}", "latency") for part in parts]
    columns += [Column("call_ms", f"empty call {unit.name}", "latency")] if idle else []
    rows = []
    for path in paths:
        spent = _split(path)
        cells = [Cell(one_line(path.way))]
        cells += [Cell(shortened(path.model))] if len(models) > 1 else []
        cells += [latency_cell(path.latency_ms, unit)]
        cells += [_part_cell(spent.get(part), path, unit) for part in parts]
        cells += [_bare(path.call_ms, unit)] if idle else []
        rows.append(tuple(cells))
    longest = {way: max(path.latency_ms.value for path in paths if path.way == way) for way in ways}
    bars = tuple(tuple(_stack(path, longest[path.way])) for path in paths)
    title = "What a call is made of; the bars of a way share a scale"
    return BarSheet(Sheet(title, tuple(columns), tuple(rows)), bars, "split")


def waterfalls(record: ExplanationRecord, models: Sequence[str], unit: TimeUnit) -> tuple[BarSheet, ...]:
    """Show how the first model's latency becomes that of each other one, on the first way that both were called."""
    found = []
    for other in models[1:]:
        pair = _pair(record, models[0], other)
        if pair:
            found.append(_waterfall(*pair, unit))
    return tuple(found)


def summary(record: ExplanationRecord, models: Sequence[str], unit: TimeUnit) -> tuple[str, ...]:
    """Say in a sentence for each model what it takes on each way, and how a call is split."""
    said = []
    for model in models:
        paths = [path for path in record.call_paths if path.model == model and _known(path)]
        ways = [_way_words(path, unit) for path in paths[:_WAYS_NAMED]]
        if len(paths) > len(ways):
            ways.append(f"and {len(paths) - len(ways)} more ways")
        if ways:
            said.append(f"{one_line(model)}: {'; '.join(ways)}.")
    return tuple(said)


def _way_words(path: CallPath, unit: TimeUnit) -> str:
    shown = type(path.latency_ms)(*(each * unit.per_ms for each in _ends(path)))
    latency = with_interval(shown, f" {unit.name}")
    shares = [
        f"{part} {percent(spent / path.latency_ms.value)}"
        for part, spent in _split(path).items()
        if part != UNSPLIT and path.latency_ms.value > 0
    ]
    return f"{one_line(path.way)} {latency}" + (f" = {listed(shares)}" if shares else "")


def _ends(path: CallPath) -> tuple[float, float, float]:
    return path.latency_ms.value, path.latency_ms.low, path.latency_ms.high


def _known(path: CallPath) -> bool:
    return math.isfinite(path.latency_ms.value)


def _split(path: CallPath) -> dict[str, float]:
    """Give the parts in the order of bars; together they are the latency."""
    spent: dict[str, float] = {}
    for part, each in path.parts:
        if math.isfinite(each):
            spent[one_line(part)] = spent.get(one_line(part), 0.0) + each
    rest = path.latency_ms.value - sum(spent.values())
    if abs(rest) > _NOTHING * path.latency_ms.value:
        spent[UNSPLIT] = rest
    places = {part: place for place, part in enumerate((*PARTS, *spent))}
    return dict(sorted(spent.items(), key=lambda item: places[item[0]]))


def _parts_of(paths: Sequence[CallPath]) -> list[str]:
    """Name the parts that any of them has, those that are known in their order first, what is not split last."""
    there = dict.fromkeys(part for path in paths for part in _split(path))
    others = [part for part in there if part not in (*PARTS, UNSPLIT)]
    return [part for part in (*PARTS, *others, UNSPLIT) if part in there]


def _part_cell(spent_ms: float | None, path: CallPath, unit: TimeUnit) -> Cell:
    if spent_ms is None:
        return Cell(MISSING)
    share = percent(spent_ms / path.latency_ms.value) if path.latency_ms.value > 0 else ""
    return Cell(number(spent_ms * unit.per_ms), spent_ms, detail=f"({share})" if share else "")


def _bare(latency_ms: Interval | None, unit: TimeUnit) -> Cell:
    return Cell(MISSING) if latency_ms is None else Cell(number(latency_ms.value * unit.per_ms), latency_ms.value)


def _stack(path: CallPath, longest_ms: float) -> Iterator[Segment]:
    begin = 0.0
    for part, spent in _split(path).items():
        length = max(0.0, spent) / longest_ms if longest_ms > 0 else 0.0
        end = min(1.0, begin + length)
        yield Segment(begin, end, part)
        begin = end


def _pair(record: ExplanationRecord, first: str, second: str) -> tuple[CallPath, CallPath] | None:
    others = {path.way: path for path in record.call_paths if path.model == second and _known(path)}
    for path in record.call_paths:
        if path.model == first and _known(path) and path.way in others:
            return path, others[path.way]
    return None


def _waterfall(one: CallPath, other: CallPath, unit: TimeUnit) -> BarSheet:
    """Let each bar begin where the one before it ended; the first and the last are whole latencies."""
    names = shortened(one.model), shortened(other.model)
    before, after = _split(one), _split(other)
    steps = [(part, after.get(part, 0.0) - before.get(part, 0.0)) for part in _parts_of((one, other))]
    reached = [one.latency_ms.value]
    for _, change in steps:
        reached.append(reached[-1] + change)
    # Parts that a rounding made larger than their whole would begin below nothing; intervals need room, too.
    highest = [each.latency_ms.high for each in (one, other) if math.isfinite(each.latency_ms.high)]
    largest = max(*reached, other.latency_ms.value, *highest, _NOTHING)
    places = [min(1.0, max(0.0, each / largest)) for each in reached]
    columns = (
        Column("step", "step", "name", numeric=False),
        *(Column(f"of_{place}", f"{name} {unit.name}", "latency") for place, name in enumerate(names)),
        Column("change", f"change {unit.name}", "latency"),
    )
    rows = [(Cell(names[0]), latency_cell(one.latency_ms, unit), Cell(""), Cell(""))]
    rows += [
        (
            Cell(part),
            Cell(number(before.get(part, 0.0) * unit.per_ms), before.get(part, 0.0)),
            Cell(number(after.get(part, 0.0) * unit.per_ms), after.get(part, 0.0)),
            _change(change, unit),
        )
        for part, change in steps
    ]
    whole = _difference(one.latency_ms, other.latency_ms, unit)
    rows.append((Cell(names[1]), Cell(""), latency_cell(other.latency_ms, unit), whole))
    bars = [(Segment(0.0, places[0], WHOLE),)]
    for (part, _), begin, end in zip(steps, places, places[1:], strict=False):
        bars.append((Segment(min(begin, end), max(begin, end), part),))
    bars.append((Segment(0.0, places[-1], WHOLE),))
    title = f"From {one_line(one.model)} to {one_line(other.model)} on {one_line(one.way)}"
    spans = (_span(one, largest), *(None for _ in steps), _span(other, largest))
    return BarSheet(Sheet(title, columns, tuple(rows)), tuple(bars), "from one to the other", spans)


def _change(change_ms: float, unit: TimeUnit) -> Cell:
    return Cell(("+" if change_ms > 0 else "") + number(change_ms * unit.per_ms), change_ms)


def _span(path: CallPath, largest_ms: float) -> tuple[float, float] | None:
    low, high = path.latency_ms.low, path.latency_ms.high
    return (low / largest_ms, high / largest_ms) if math.isfinite(low) and math.isfinite(high) else None


def _difference(before: Interval, after: Interval, unit: TimeUnit) -> Cell:
    """Show how much longer the second takes, with an interval made of theirs.

    Method: recovery of variances from the two intervals (Zou & Donner, Statistics in Medicine 27, 2008).
    """
    change = after.value - before.value
    low = change - math.hypot(after.value - after.low, before.high - before.value)
    high = change + math.hypot(after.high - after.value, before.value - before.low)
    text = _change(change, unit).text
    if not (math.isfinite(low) and math.isfinite(high)):
        return Cell(text, change)
    shown = ["+" * (each > 0) + number(each * unit.per_ms, change * unit.per_ms) for each in (low, high)]
    return Cell(text, change, low, high, f"({shown[0]} to {shown[1]})")
