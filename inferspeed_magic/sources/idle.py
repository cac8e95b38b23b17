"""A model that computes next to nothing, with the inputs of another: what it takes is the call itself."""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING

from inferspeed_magic.sources.source import Source, from_model

if TYPE_CHECKING:
    from inferspeed_magic.records.signature import Signature

#: Kinds of models that such a model can be made for: their libraries.
KINDS = ("keras", "tf_keras")


def idle(name: str, kind: str, signature: Signature) -> Source:
    """Make a model with these inputs that answers with the first value of each.

    Args:
        name: of the model that is made.
        kind: ``keras`` or ``tf_keras``: whose ``predict`` it is to show.
        signature: of the model whose inputs it takes, every dimension known.
    """
    library = importlib.import_module(kind)
    layers = library.layers
    inputs, outputs = [], []
    for position, spec in enumerate(signature.inputs):
        given = library.Input(spec.shape, batch_size=signature.fixed_batch, dtype=spec.dtype, name=f"input_{position}")
        size = math.prod(each or 1 for each in spec.shape)
        column = layers.Reshape((size, 1))(given)
        first = layers.Cropping1D((0, size - 1))(column)
        inputs.append(given)
        outputs.append(layers.Flatten()(first))
    return from_model(name, library.Model(inputs, outputs, name=name), kind, None, None)


def takes_numbers(signature: Signature) -> bool:
    """Whether such a model can be made: strings are another matter."""
    return all(spec.dtype != "str" and 0 not in spec.shape for spec in signature.inputs)
