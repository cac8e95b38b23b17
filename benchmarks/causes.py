"""Models built to have one cause, and models built to look like them and not have it: subjects of explain.py."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

if TYPE_CHECKING:
    from collections.abc import Callable

PREDICT = ("keras.predict", "keras.compiled", "onnxruntime")
INSIDE = ("onnxruntime",)


@dataclass(frozen=True)
class Case:
    """A model, or two, and how it is asked about.

    Attributes:
        cause: that it has, or looks as if it had.
        words: what it is.
        models: makes it.
        options: of ``explain``.
        has_it: whether it has.
        among: findings that answer the same question; only these are looked at for which is named first. Why int8 does
            not help is another question than where the time goes.
        costs: measures whether the cause costs anything on this machine.
    """

    cause: str
    words: str
    models: Callable[[], dict[str, Any]]
    options: dict[str, Any] = field(default_factory=lambda: {"runtimes": INSIDE})
    has_it: bool = True
    among: tuple[str, ...] = ()
    costs: Callable[[], bool] | None = None


def _model(shape: tuple[int, ...], *inside: Any) -> dict[str, Any]:
    return {"model": keras.Sequential([keras.Input(shape), *inside])}


def _mlp(width: int, depth: int) -> dict[str, Any]:
    return _model((width,), *[layers.Dense(width, activation="relu") for _ in range(depth)])


def _convolutions(side: int, channels: int, depth: int, kernel: int = 3) -> dict[str, Any]:
    made = [layers.Conv2D(channels, kernel, padding="same", activation="relu") for _ in range(depth)]
    return _model((side, side, channels), *made)


def _small() -> dict[str, Any]:
    return _model((16,), layers.Dense(16, activation="relu"), layers.Dense(4))


def _tiny_steps() -> dict[str, Any]:
    return _model((8,), *[layers.Dense(8, activation="tanh") for _ in range(80)])


def _recurrent() -> dict[str, Any]:
    return _model((300, 16), layers.LSTM(24), layers.Dense(4))


def _over_time() -> dict[str, Any]:
    made = [layers.Conv1D(96, 5, padding="same", activation="relu") for _ in range(4)]
    return _model((300, 16), *made, layers.GlobalAveragePooling1D(), layers.Dense(4))


def _normalized() -> dict[str, Any]:
    inside = [
        each for _ in range(6) for each in (layers.DepthwiseConv2D(3, padding="same"), layers.LayerNormalization())
    ]
    return _model((96, 96, 24), *inside)


def _permuted() -> dict[str, Any]:
    inside = [each for _ in range(6) for each in (layers.Permute((2, 3, 1)), layers.Permute((3, 1, 2)), layers.ReLU())]
    return _model((64, 64, 64), *inside, layers.Permute((3, 2, 1)))


def _between_unknown() -> dict[str, Any]:
    # ONNX Runtime has no int8 kernel for this activation, and the products are cheap.
    inside = [each for _ in range(8) for each in (layers.Dense(24), layers.Activation("softsign"))]
    return _model((2048, 24), *inside)


def _two_layouts() -> dict[str, Any]:
    # Its convolutions want channels in blocks, and what stands between them takes them as they come.
    inside = [each for _ in range(8) for each in (layers.Conv2D(32, 1), layers.Activation(keras.ops.abs))]
    return _model((96, 96, 32), *inside)


def _with_weights(share_of_zeros: float = 0.0, tiny: float | None = None) -> dict[str, Any]:
    found = _convolutions(32, 48, 5)
    draw = np.random.default_rng(0)
    for layer in found["model"].layers:
        kernel, bias = layer.get_weights()
        if tiny is not None:
            kernel = np.where(draw.random(kernel.shape) < 0.5, np.float32(tiny), kernel)
        kernel = np.where(draw.random(kernel.shape) < share_of_zeros, np.float32(0), kernel)
        layer.set_weights([kernel, bias])
    return found


def _subnormals_cost() -> bool:
    """Measure with ONNX Runtime alone whether subnormal weights take longer than weights that are zero."""
    import inferspeed_magic as im

    given = {"subnormal": _with_weights(tiny=1e-39)["model"], "zero": _with_weights(tiny=0.0)["model"]}
    report = im.profile(given, runtimes=["onnxruntime"], progress=False)
    return report.compare("subnormal/onnxruntime", "zero/onnxruntime").low > 1.1


def _narrow_and_wide() -> dict[str, Any]:
    deep = [layers.Conv2D(16, 3, padding="same", activation="relu") for _ in range(6)]
    small = [keras.Input((32, 32, 3)), *deep, layers.GlobalAveragePooling2D(), layers.Dense(10)]
    big = [keras.Input((32, 32, 3)), layers.Flatten(), layers.Dense(600, activation="relu"), layers.Dense(10)]
    return {"small": keras.Sequential(small), "big": keras.Sequential(big)}


def _half_and_whole() -> dict[str, Any]:
    return {"small": _mlp(256, 4)["model"], "big": _mlp(1024, 4)["model"]}


CASES = (
    Case("call_overhead", "two small layers, called through predict", _small, {"runtimes": PREDICT}),
    Case(
        "call_overhead",
        "a large CNN through predict",
        lambda: _convolutions(160, 96, 6),
        {"runtimes": PREDICT},
        has_it=False,
    ),
    Case("flops_not_parameters", "convolutions beside a dense layer after Flatten", _narrow_and_wide),
    Case("flops_not_parameters", "an MLP beside a wider one", _half_and_whole, has_it=False),
    Case("memory_bound", "dense layers of 3,000 at batch 1", lambda: _mlp(3000, 4)),
    Case(
        "memory_bound",
        "the same at batch 128, which reads weights once for all",
        lambda: _mlp(3000, 4),
        {"runtimes": INSIDE, "batch_size": 128},
        has_it=False,
    ),
    Case("compute_bound", "3x3 convolutions of 64 channels", lambda: _convolutions(56, 64, 6)),
    Case("compute_bound", "dense layers of 3,000 at batch 1", lambda: _mlp(3000, 4), has_it=False),
    Case("many_small_operators", "80 dense layers of 8", _tiny_steps),
    Case("many_small_operators", "80 dense layers of 512", lambda: _mlp(512, 80), has_it=False),
    Case("sequential_depth", "an LSTM over 300 steps", _recurrent),
    Case("sequential_depth", "convolutions over 300 steps", _over_time, has_it=False),
    Case("low_intensity_operators", "depthwise convolutions and layer normalization", _normalized),
    Case("low_intensity_operators", "3x3 convolutions of 64 channels", lambda: _convolutions(56, 64, 6), has_it=False),
    Case("unsupported_operators", "convolutions between operators of another layout", _two_layouts),
    Case("unsupported_operators", "permutations of the model's own", _permuted, has_it=False),
    Case("unsupported_operators", "3x3 convolutions of 64 channels", lambda: _convolutions(56, 64, 6), has_it=False),
    Case(
        "unfused_quantization",
        "dense layers of 24 between operators that int8 does not know",
        _between_unknown,
        among=("unfused_quantization", "missing_instructions"),
    ),
    Case("unfused_quantization", "3x3 convolutions of 64 channels", lambda: _convolutions(56, 64, 6), has_it=False),
    Case("unexploited_sparsity", "90% of the weights zero", lambda: _with_weights(0.9)),
    Case("unexploited_sparsity", "20% of the weights zero", lambda: _with_weights(0.2), has_it=False),
    Case("subnormals", "half of the weights 1e-39", lambda: _with_weights(tiny=1e-39), costs=_subnormals_cost),
    Case("subnormals", "half of the weights 1e-20", lambda: _with_weights(tiny=1e-20), has_it=False),
)
