"""Which values a model's inputs may hold.

An index beyond an embedding's rows is an error on one runtime and garbage on another; words that a lookup does not know
all become the same index, and with that a constant input.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Attributes by which layers say how many different integers they take.
_BOUNDS = {"Embedding": "input_dim", "CategoryEncoding": "num_tokens", "ReversibleEmbedding": "input_dim"}


#: So many words of a vocabulary are enough to draw from.
_MOST = 1000


def bound_of(layer: Any) -> int | None:
    """Return the number of different integers this layer takes, or None if it is no layer of that sort."""
    for kind in type(layer).__mro__:
        attribute = _BOUNDS.get(kind.__name__)
        if attribute is not None:
            with contextlib.suppress(AttributeError, TypeError, ValueError):
                return int(getattr(layer, attribute))
    return None


def smallest_embedding(model: Any) -> int | None:
    """Return the smallest bound of any layer in the model."""
    bounds = [bound_of(layer) for layer in model._flatten_layers()]  # noqa: SLF001  (also lists layers inside layers)
    return min((bound for bound in bounds if bound is not None), default=None)


def index_bounds(model: Any, inputs: list[Any]) -> list[int | None]:
    """For each symbolic input of a functional model, find the smallest bound among the layers that read it.

    The search follows the graph from the input through layers without weights (casts, reshapes, nested models) and
    ends at layers that have weights. What it cannot follow is bounded by the smallest embedding of the model, if the
    input holds a vector of integers: those of pictures are no indices.
    """
    consumers = _consumers(model)
    bounds: list[int | None] = []
    for tensor in inputs:
        bound = _reachable_bound(tensor, consumers)
        if bound is None and "int" in str(tensor.dtype) and len(tensor.shape) <= 2:  # noqa: PLR2004  (batch, positions)
            bound = smallest_embedding(model)
        bounds.append(bound)
    return bounds


def known_values(model: Any, inputs: list[Any]) -> list[tuple[tuple[Any, ...], bool]]:
    """For each symbolic input, find the vocabulary of the lookup that reads it.

    Returns:
        The values, at most a thousand, none where there is no lookup; and whether they are words of a text.
    """
    consumers = _consumers(model)
    return [_vocabulary(tensor, consumers) for tensor in inputs]


def _vocabulary(tensor: Any, consumers: dict[int, list[tuple[Any, list[Any]]]]) -> tuple[tuple[Any, ...], bool]:
    for operation in _reached(tensor, consumers):
        flatten = getattr(operation, "_flatten_layers", None)
        for layer in flatten() if flatten else ():
            if type(layer).__name__ in {"TextVectorization", "StringLookup", "IntegerLookup"}:
                with contextlib.suppress(Exception):  # a vocabulary that was never set
                    words = [each for each in layer.get_vocabulary() if each not in {"", "[UNK]", -1}]
                    plain = [each.item() if hasattr(each, "item") else each for each in words[:_MOST]]
                    return tuple(plain), type(layer).__name__ == "TextVectorization"
    return (), False


def expected_ranges(model: Any, inputs: list[Any]) -> list[tuple[float, float] | None]:
    """For each symbolic input, find the range of values that the model's own rescaling or normalization expects.

    An image network that divides by 255 would take standard normal inputs for nearly constant black images.
    """
    consumers = _consumers(model)
    return [_range(tensor, consumers) for tensor in inputs]


def _range(tensor: Any, consumers: dict[int, list[tuple[Any, list[Any]]]]) -> tuple[float, float] | None:
    for operation in _reached(tensor, consumers):
        with contextlib.suppress(AttributeError, TypeError, ValueError):
            if type(operation).__name__ == "Rescaling":
                scale, offset = float(operation.scale), float(operation.offset)
                low, high = ((-1.0 if offset < 0 else 0.0) - offset) / scale, (1.0 - offset) / scale
                return (low, high) if high > low else None
            if type(operation).__name__ == "Normalization":
                mean, deviation = (np.asarray(each, np.float64) for each in (operation.mean, operation.variance))
                spread = 2 * np.sqrt(deviation)
                return float(np.min(mean - spread)), float(np.max(mean + spread))
    return None


def paddings(model: Any, inputs: list[Any]) -> list[float | None]:
    """For each symbolic input, find what a layer that reads it takes for padding, and masks."""
    consumers = _consumers(model)
    return [
        next((found for each in _reached(tensor, consumers) if (found := padding_of(each)) is not None), None)
        for tensor in inputs
    ]


def padding_of(layer: Any) -> float | None:
    """Return what this layer, or the first one inside it that masks, takes for padding; None if none does."""
    flatten = getattr(layer, "_flatten_layers", None)
    for each in flatten() if flatten else ():
        if getattr(each, "mask_zero", False):
            return 0.0
        if type(each).__name__ == "Masking":
            return float(each.mask_value)
    return None


def _consumers(model: Any) -> dict[int, list[tuple[Any, list[Any]]]]:
    """Map the id of each symbolic tensor to the layers that read it and what these put out."""
    table: dict[int, list[tuple[Any, list[Any]]]] = {}
    operations = getattr(model, "operations", None) or getattr(model, "layers", [])
    for operation in operations:
        for node in getattr(operation, "_inbound_nodes", []):
            with contextlib.suppress(AttributeError):
                read = getattr(node, "input_tensors", None)
                written = getattr(node, "output_tensors", None)
                if read is None:  # tf_keras
                    read, written = _as_list(node.keras_inputs), _as_list(node.outputs)
                for tensor in _as_list(read):
                    table.setdefault(id(tensor), []).append((operation, _as_list(written)))
    return table


def _reachable_bound(tensor: Any, consumers: dict[int, list[tuple[Any, list[Any]]]]) -> int | None:
    found: list[int] = []
    for operation in _reached(tensor, consumers):
        bound = bound_of(operation)
        if bound is None and (getattr(operation, "layers", None) or hasattr(operation, "layer")):  # models and wrappers
            bound = smallest_embedding(operation)
        if bound is not None:
            found.append(bound)
    return min(found, default=None)


def _reached(tensor: Any, consumers: dict[int, list[tuple[Any, list[Any]]]]) -> Iterator[Any]:
    """Follow a tensor through layers without weights up to those that have some, these included."""
    seen: set[int] = set()
    pending = [tensor]
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        for operation, outputs in consumers.get(id(current), []):
            yield operation
            if not getattr(operation, "weights", []) and bound_of(operation) is None:
                pending.extend(outputs)


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
