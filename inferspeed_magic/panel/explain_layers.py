"""Layers: what each has to do, joined with what it takes. Text, tables and charts look at them through this."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.panel.parts import one_line
from inferspeed_magic.records.counts import fused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inferspeed_magic.records import ExplanationRecord, LayerCount, LayerTime

_NAN = float("nan")
NO_LAYER = "(operators of no layer)"


@dataclass(frozen=True)
class Layer:
    """A layer of a model.

    Attributes:
        model: its name.
        name: of the layer; ``""`` for operators that no layer made.
        count: what it has to do; None where that was not counted.
        times: what it takes, by runtime.
        runtime: the one that was looked into first, which shares and bounds are of; None where none was.
        share: of its model's time in that runtime; of its model's operations where nothing was timed.
    """

    model: str
    name: str
    count: LayerCount | None
    times: Mapping[str, LayerTime]
    runtime: str | None
    share: float

    @property
    def time(self) -> LayerTime | None:
        """What it takes in the runtime that was looked into first."""
        return self.times.get(self.runtime) if self.runtime else None

    @property
    def time_us(self) -> float:
        """Microseconds in that runtime; NaN where they are not known, or stand at another layer."""
        return self.time.time_us if self.time and not self.time.fused_into else _NAN

    @property
    def words(self) -> str:
        """Name it for a reader."""
        return one_line(self.name) or NO_LAYER

    @property
    def kind(self) -> str:
        """Its class."""
        return one_line(self.count.kind) if self.count else ""

    @property
    def held_back_by(self) -> str:
        """What bounds it, or where its work is done, in words; empty where that is not known."""
        time = self.time
        if time is None:
            return ""
        if time.fused_into is not None:
            return f"fused into {one_line(time.fused_into) or NO_LAYER}"
        return f"{time.bound}{f' ({one_line(time.level)})' if time.level else ''}" if time.bound else ""


@dataclass(frozen=True)
class Work:
    """What an operator does that several layers may be fused into: FLOP, and bytes that it moves."""

    flops: float
    moved_bytes: float

    @property
    def intensity(self) -> float:
        """FLOP per byte; NaN where nothing is moved."""
        return self.flops / self.moved_bytes if self.moved_bytes else _NAN


def models_of(record: ExplanationRecord) -> tuple[str, ...]:
    """Name the models in the order that they were handed in."""
    named = [each.model for each in record.profile.results]
    named += [each.model for each in record.counts]
    # What else there is belongs to these, or to models that could be neither measured nor counted.
    named += [each.model for each in record.call_paths]
    named += [each.model for each in record.layers]
    named += [each.model for each in record.findings]
    return tuple(dict.fromkeys(named))


def layers_of(record: ExplanationRecord) -> dict[str, tuple[Layer, ...]]:
    """Give each model's layers in the order of execution; what was timed and not counted comes last."""
    return {model: _layers(record, model) for model in models_of(record)}


def _layers(record: ExplanationRecord, model: str) -> tuple[Layer, ...]:
    counts = {each.layer: each for count in record.counts if count.model == model for each in count.layers}
    times: dict[str, dict[str, LayerTime]] = {}
    for each in record.layers:
        if each.model == model:
            times.setdefault(each.layer, {})[each.runtime] = each
    runtime = next((each.runtime for each in record.layers if each.model == model), None)
    bare = [
        Layer(model, name, counts.get(name), times.get(name, {}), runtime, _NAN)
        for name in dict.fromkeys([*counts, *times])
    ]
    amounts = [each.time_us if runtime else float(each.count.flops if each.count else 0) for each in bare]
    whole = sum(each for each in amounts if math.isfinite(each))
    return tuple(
        Layer(model, each.name, each.count, each.times, runtime, spent / whole if whole > 0 else _NAN)
        for each, spent in zip(bare, amounts, strict=True)
    )


def work_of(layer: Layer, layers: Sequence[Layer]) -> Work | None:
    """Add to a layer those that are fused into it: between them nothing is moved but weights and second inputs.

    Args:
        layer: that the operator is named after.
        layers: all of its model, in the order of execution.

    Returns:
        None where it was not counted.
    """
    if layer.count is None:
        return None
    guests = [each for each in layers if each.time and each.time.fused_into == layer.name and each is not layer]
    order = {each.name: place for place, each in enumerate(layers)}
    together = sorted((each.count for each in (layer, *guests) if each.count), key=lambda count: order[count.layer])
    whole = fused(layer.count, together)
    return Work(float(whole.flops), float(whole.bytes_read + whole.bytes_written))
