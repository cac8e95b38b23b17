"""Keras's own quantization: https://keras.io/api/models/model_training_apis/#quantize-method ."""

from __future__ import annotations

import warnings
from typing import Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.techniques.keras_folder import graph_layers, opened, save


def quantize(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    mode: str,
) -> None:
    """Quantize the layers that Keras can: Dense, EinsumDense, Embedding.

    Those inside of other layers (attention) or of subclassed models stay as they are: from their configurations they
    come back in float, and then their weights do not fit.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model.
        target: folder to write.
        batch_size: not used.
        inputs: not used.
        mode: ``int8`` (weights and activations) or ``int4`` (weights alone).

    Raises:
        UnsupportedError: for models of tf_keras, and for those without such layers.
    """
    del state, batch_size, inputs
    import keras

    found = opened(source)
    if found.library != "keras":
        raise UnsupportedError("only Keras 3 quantizes by itself, and this is a model of tf_keras")
    model = found.model
    alone = {id(layer) for layer in graph_layers(model, keras)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one for every layer that it cannot quantize
        model.quantize(mode, filters=lambda layer: id(layer) in alone and not _is_elliptic(layer))
    if not any(getattr(layer, "quantization_mode", None) == mode for layer in graph_layers(model, keras)):
        raise UnsupportedError("Keras quantizes Dense, EinsumDense and Embedding layers, and none stands alone here")
    save(model, found, source, target)


def _is_elliptic(layer: Any) -> bool:
    """Tell whether an equation has an ellipsis, which Keras 3.15 fails on."""
    return "..." in str(getattr(layer, "equation", ""))
