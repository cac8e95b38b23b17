"""What goes into a model and what comes out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TensorSpec:
    """One input or output.

    Attributes:
        name: as the model names it.
        shape: without the batch dimension; None where a dimension is not fixed.
        dtype: numpy's name of it, ``str`` for strings.
        high: for integers: values stay below this (the size of the embedding they index); None for no bound.
        values: the vocabulary of the lookup that reads it; empty where there is none.
        is_text: whether these are the words of a text.
        expected: range of floats that the model's own rescaling expects; None where nothing is known.
        padding: what steps hold that the model leaves out (it masks them); None where it leaves out none.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    high: int | None = None
    values: tuple[str | int, ...] = ()
    is_text: bool = False
    expected: tuple[float, float] | None = None
    padding: float | None = None


@dataclass(frozen=True)
class Signature:
    """Inputs in the order in which flat lists of arrays hold them.

    Attributes:
        inputs: one for each input.
        fixed_batch: the batch size that the model is built for, or None where it takes any.
    """

    inputs: tuple[TensorSpec, ...]
    fixed_batch: int | None = None
