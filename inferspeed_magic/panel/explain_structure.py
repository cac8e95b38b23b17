"""Each model's structure: its layers in the order of execution, what feeds them, and what they take."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from inferspeed_magic.panel.explain_lanes import lanes
from inferspeed_magic.panel.explain_numbers import amount, percent
from inferspeed_magic.panel.explain_parts import Structure, StructureRow
from inferspeed_magic.panel.numbers import with_interval
from inferspeed_magic.panel.parts import listed, one_line
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from inferspeed_magic.panel.explain_layers import Layer

#: Rows where nothing scrolls; names of what feeds a row.
MOST_STEPS, _NAMED = 80, 3


def structures(models: Mapping[str, Sequence[Layer]]) -> tuple[Structure, ...]:
    """Draw each model that has layers."""
    return tuple(_structure(model, layers) for model, layers in models.items() if layers)


def _structure(model: str, layers: Sequence[Layer]) -> Structure:
    by_time = any(layer.runtime for layer in layers)
    steps: list[Layer | str] = list(_with_inputs(layers))
    sources = _sources(steps)
    # What is fed from further down, because it is called again there, is said in words alone.
    above = [[source for source in found if source < place] for place, found in enumerate(sources)]
    stands = lanes(above)
    largest = max((layer.share for layer in layers if math.isfinite(layer.share)), default=0.0)
    rows = [
        replace(
            _row(step, largest),
            takes=_takes(place, sources[place], steps),
            feeds=tuple(above[place]),
            lane=stands[place],
        )
        for place, step in enumerate(steps)
    ]
    return Structure(
        title=f"{one_line(model)}, from its input to its output, coloured by {'time' if by_time else 'operations'}",
        rows=tuple(rows),
        short=tuple(_short(rows, steps, largest)),
        lanes=max(stands) + 1,
    )


def _with_inputs(layers: Sequence[Layer]) -> Iterator[Layer | str]:
    """Put the inputs of the model before the layers that they feed first."""
    names, seen = {layer.name for layer in layers}, set()
    for layer in layers:
        for name in layer.count.inputs if layer.count else ():
            if name not in names and name not in seen:
                seen.add(name)
                yield name
        yield layer


def _sources(steps: Sequence[Layer | str]) -> list[list[int]]:
    """Give for each row the places of those that feed it; nothing where a report does not know."""
    places = {step if isinstance(step, str) else step.name: place for place, step in enumerate(steps)}
    return [
        sorted({places[name] for name in step.count.inputs} - {place})
        if not isinstance(step, str) and step.count
        else []
        for place, step in enumerate(steps)
    ]


def _row(step: Layer | str, largest: float) -> StructureRow:
    if isinstance(step, str):
        return StructureRow(one_line(step), "", 0.0, "input of the model")
    known = math.isfinite(step.share) and largest > 0
    text = percent(step.share)
    if step.time and step.time.fused_into is not None:
        text = "fused"
    words = step.words if _says_kind(step) else f"{step.words} ({step.kind})"
    return StructureRow(words, text, step.share / largest if known else 0.0, _told(step))


def _told(layer: Layer) -> str:
    """Say what a layer is, what it makes, and what that takes."""
    said = [layer.kind] if layer.kind else []
    if layer.count and layer.count.output_shape:
        said.append(f"output {' x '.join('?' if size is None else str(size) for size in layer.count.output_shape)}")
    if layer.count and layer.count.flops:
        said.append(amount(layer.count.flops, "FLOP"))
    time = layer.time
    if time and math.isfinite(layer.time_us):
        said.append(with_interval(Interval(time.time_us, time.low_us, time.high_us), " µs"))
    if layer.held_back_by:
        fused = time is not None and time.fused_into is not None
        said.append(layer.held_back_by if fused else f"held back by {layer.held_back_by}")
    if time and time.ceiling_share is not None:
        said.append(f"{percent(time.ceiling_share)} of its ceiling")
    return ", ".join(said)


def _takes(place: int, sources: Sequence[int], steps: Sequence[Layer | str]) -> str:
    """Name what feeds a row where its place does not say so."""
    if not sources or list(sources) == [place - 1]:
        return ""
    named = [step if isinstance(step, str) else step.words for step in (steps[source] for source in sources)]
    shown = [one_line(name) for name in named[:_NAMED]]
    shown += [f"{len(named) - _NAMED} more"] if len(named) > _NAMED else []
    return f"takes {listed(shown)}"


def _says_kind(layer: Layer) -> bool:
    """Tell whether the name alone says what a layer is, as the names do that Keras makes up."""
    return "".join(filter(str.isalnum, layer.kind)).lower() in "".join(filter(str.isalnum, layer.name)).lower()


def _short(rows: Sequence[StructureRow], steps: Sequence[Layer | str], largest: float) -> Iterator[StructureRow]:
    """Leave out runs of short layers of a very long model."""
    shares = [step.share if not isinstance(step, str) and math.isfinite(step.share) else 0.0 for step in steps]
    kept = set(sorted(range(len(rows)), key=lambda place: -shares[place])[:MOST_STEPS])
    skipped: list[int] = []
    for place, row in enumerate(rows):
        if place not in kept:
            skipped.append(place)
            continue
        yield from _gap([shares[each] for each in skipped], largest)
        skipped = []
        yield row
    yield from _gap([shares[each] for each in skipped], largest)


def _gap(shares: Sequence[float], largest: float) -> Iterator[StructureRow]:
    if shares:
        share = sum(shares)
        words = f"… {len(shares)} short layer{'s' * (len(shares) != 1)}"
        yield StructureRow(words, f"{percent(share)} together", min(1.0, share / largest) if largest > 0 else 0.0)
