"""Conversions that go wrong; converter processes find them by name."""

from __future__ import annotations

import os


def refuse(state, *, source, target, batch_size, inputs):
    raise ValueError("no handler for Erfc")


def write_nothing(state, *, source, target, batch_size, inputs):
    return {}


def die(state, *, source, target, batch_size, inputs):
    os.abort()


def perturb(state, *, source, target, batch_size, inputs):
    """Copy an ONNX file with its weights one per cent larger."""
    _with_weights(source, target, lambda weights: weights * 1.01)


def poison(state, *, source, target, batch_size, inputs):
    """Copy an ONNX file with its weights lost."""
    _with_weights(source, target, lambda weights: weights * float("nan"))


def _with_weights(source, target, change):
    import onnx

    model = onnx.load(source)
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype == "float32":
            weight.CopyFrom(onnx.numpy_helper.from_array(change(values), weight.name))
    onnx.save(model, target)
