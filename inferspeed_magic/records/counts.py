"""What a model has to do, counted from its graph: nothing here is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class LayerCount:
    """What one layer has to do for one inference.

    A layer that is called several times (a shared layer) has one row, and the sum of its calls in it.

    Attributes:
        layer: its path of names, ``encoder/dense``; ``""`` for operators that no layer made.
        kind: its class, ``Conv2D``.
        params: own parameters, those of layers inside it left out.
        macs: multiply-accumulates of matrix products and convolutions.
        flops: floating-point operations: two for each multiply-accumulate, and those of everything else.
        weight_bytes: of its weights that are read, as often as they have to be read (a recurrent layer reads its own
            again in each step; a lookup reads the rows that it takes).
        bytes_read: ``weight_bytes``, and those of the activations that it takes.
        bytes_written: of the activations that others take from it.
        kernels: operators that compute something; views (reshape, identity) are none. Steps of a loop count each.
        steps: how many times its operators have to run one after the other: the time steps of a recurrent layer,
            1 for others.
        output_shape: of its (first) output, without the batch.
        inputs: names of the layers whose outputs it takes, in the order in which it first does; ``(input)`` for
            an input of the model (``(input 2)`` where it has several). What runs between layers and belongs to none is
            looked through.
    """

    layer: str
    kind: str
    params: int
    macs: int
    flops: int
    weight_bytes: int
    bytes_read: int
    bytes_written: int
    kernels: int
    steps: int = 1
    output_shape: tuple[int | None, ...] = ()
    inputs: tuple[str, ...] = ()

    @property
    def arithmetic_intensity(self) -> float:
        """FLOP per byte that is read or written (Williams et al. 2009); NaN where nothing is moved."""
        moved = self.bytes_read + self.bytes_written
        return self.flops / moved if moved else float("nan")


@dataclass(frozen=True)
class ModelCount:
    """What a model has to do for one inference.

    Attributes:
        model: its name.
        batch_size: samples per inference; counts are of the whole batch.
        layers: in the order of execution.
        depth: operators that compute on the longest path from an input to an output; what cannot be run side by side.
        activation_bytes: the most bytes of activations that are alive at the same time.
        uncounted: kinds of operators whose work is not known and counts as none; empty where everything is counted.
    """

    model: str
    batch_size: int
    layers: tuple[LayerCount, ...]
    depth: int = 0
    activation_bytes: int = 0
    uncounted: tuple[str, ...] = ()

    @property
    def params(self) -> int:
        """Parameters of all layers."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers."""
        return sum(layer.macs for layer in self.layers)

    @property
    def flops(self) -> int:
        """Floating-point operations of all layers."""
        return sum(layer.flops for layer in self.layers)

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights that are read, each of them once."""
        return sum(layer.weight_bytes // max(1, layer.steps) for layer in self.layers)

    @property
    def kernels(self) -> int:
        """Operators that compute something."""
        return sum(layer.kernels for layer in self.layers)


def fused(owner: LayerCount, together: Sequence[LayerCount]) -> LayerCount:
    """Add up layers that one operator does: between them nothing is moved but weights and second inputs.

    Args:
        owner: that the operator is named after.
        together: all of them, the owner too, in the order of execution.
    """
    weights = sum(each.weight_bytes for each in together)
    taken = together[0].bytes_read - together[0].weight_bytes
    for before, each in pairwise(together):
        taken += max(0, each.bytes_read - each.weight_bytes - before.bytes_written)
    return replace(
        owner,
        params=sum(each.params for each in together),
        macs=sum(each.macs for each in together),
        flops=sum(each.flops for each in together),
        weight_bytes=weights,
        bytes_read=weights + taken,
        bytes_written=together[-1].bytes_written,
        kernels=sum(each.kernels for each in together),
    )
