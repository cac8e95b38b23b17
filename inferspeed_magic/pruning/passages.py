"""What a layer does with channels, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inferspeed_magic.pruning.units import Channels, Units


@dataclass(frozen=True)
class Call:
    """One call of a layer or an operation.

    Attributes:
        operation: what is called.
        inputs: channels of the tensors that go in, along their last axes.
        tensors: these tensors: their shapes are known.
        outputs: tensors that come out.
        arguments: what it was called with, tensors in their places.
        options: the same by keyword.
        units: that channels belong to.
    """

    operation: Any
    inputs: list[Channels]
    tensors: list[Any]
    outputs: list[Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    units: Units

    @property
    def name(self) -> str:
        """Of the layer."""
        return str(self.operation.name)

    def of(self, tensor: Any) -> Channels:
        """Give the channels of one of the tensors that go in."""
        return next(channels for each, channels in zip(self.tensors, self.inputs, strict=True) if each is tensor)


@dataclass(frozen=True)
class Slice:
    """One axis of one weight that channels are counted along.

    Attributes:
        weight: the variable.
        axis: of it.
        channels: one for each place along the axis.
    """

    weight: Any
    axis: int
    channels: Channels


@dataclass(frozen=True)
class Passage:
    """What becomes of channels in a layer.

    Attributes:
        outputs: channels of each tensor that comes out.
        slices: axes of its weights.
        sizes: entries of its configuration that count channels, by their path in it.
    """

    outputs: list[Channels]
    slices: tuple[Slice, ...] = ()
    sizes: dict[tuple[str, ...], Channels] = field(default_factory=dict)


class CannotPassError(Exception):
    """Channels cannot be followed through a layer; the message says why."""
