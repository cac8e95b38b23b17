"""Add up what the operators of each layer do."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.counting.feeding import feeding
from inferspeed_magic.counting.flat_graph import WEIGHT
from inferspeed_magic.counting.traffic import Traffic, traffic
from inferspeed_magic.counting.work import work_of
from inferspeed_magic.records.counts import LayerCount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inferspeed_magic.counting.flat_graph import FlatGraph, Node
    from inferspeed_magic.counting.rows import Row, Rows


@dataclass
class _Sum:
    """Work of the operators of one layer."""

    macs: int = 0
    flops: int = 0
    kernels: int = 0
    steps: int = 1


def count_layers(
    graph: FlatGraph, known: Mapping[int, frozenset[Node]], rows: Rows
) -> tuple[tuple[LayerCount, ...], set[str]]:
    """Count every layer.

    Args:
        graph: of the model.
        known: nodes that depend on no input: their work is done once, before.
        rows: the layers.

    Returns:
        The layers in the order of execution, and the kinds of operators whose work is not known.
    """
    sums: dict[str, _Sum] = defaultdict(_Sum)
    uncounted: set[str] = set()
    for node in graph.nodes:
        if id(node) in known:
            continue
        work, into = work_of(node), sums[rows.of(node.call).path]
        into.macs += work.macs * node.times
        into.flops += work.flops * node.times
        into.kernels += work.kernels * node.times
        into.steps = max(into.steps, node.times)
        if not work.counted:
            uncounted.add(node.kind)
    moved = traffic(graph, known, lambda node: rows.of(node.call).path)
    rows.settle(_readers(graph, moved))
    shown = [
        row
        for row in rows.in_order()
        if row.params or sums[row.path].kernels or (row.is_leaf and row.calls and not row.is_input)
    ]
    fed = feeding(graph, known, lambda node: rows.of(node.call).path, {row.path for row in shown})
    counted = tuple(_layer(row, sums[row.path], moved.get(row.path, Traffic()), fed.get(row.path, ())) for row in shown)
    return counted, uncounted


def _layer(row: Row, work: _Sum, moved: Traffic, inputs: tuple[str, ...]) -> LayerCount:
    weight_bytes = sum(moved.weights.values())
    return LayerCount(
        layer=row.path,
        kind=type(row.owner).__name__,
        params=row.params,
        macs=work.macs,
        flops=work.flops,
        weight_bytes=weight_bytes,
        bytes_read=weight_bytes + sum(moved.read.values()),
        bytes_written=sum(moved.written.values()),
        kernels=work.kernels,
        steps=max(work.steps, row.steps),
        output_shape=row.calls[0].output_shape[1:] if row.calls else (),
        inputs=inputs,
    )


def _readers(graph: FlatGraph, moved: dict[str, Traffic]) -> dict[int, str]:
    """Map the handles of variables to the first layer that reads them."""
    handles = {id(node): node.attributes["handle"] for node in graph.nodes if node.kind == WEIGHT}
    found: dict[int, str] = {}
    for layer, each in moved.items():
        for source, _, _ in each.weights:
            if source in handles:
                found.setdefault(handles[source], layer)
    return found
