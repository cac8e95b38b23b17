"""How a model's loss changes with its weights, on data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import OptionError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.floating[Any]]]

_BATCH = 32
#: More samples change the mean little.
_MOST = 1024


def loss_gradients(model: Any, data: Any, keras: Any) -> dict[int, Array]:
    """Take the gradient of the mean loss that a model was compiled with.

    Args:
        model: compiled, of Keras 3 on TensorFlow.
        data: pair of inputs and targets, as ``model.fit`` takes arrays; the first 1,024 samples are looked at.
        keras: the library.

    Returns:
        By ``id`` of the variable.

    Raises:
        OptionError: for a model without a loss, another backend, and data that is no pair of arrays.
    """
    if keras.backend.backend() != "tensorflow":
        raise OptionError(
            f"taylor takes gradients with TensorFlow, and Keras runs on {keras.backend.backend()}: take l2"
        )
    if not model.compiled:
        raise OptionError("taylor needs the loss: compile the model first, or take another importance")
    if not isinstance(data, tuple) or len(data) != 2:  # noqa: PLR2004
        raise OptionError("taylor needs data=(x, y): what its importance is measured on")
    import tensorflow as tf

    x, y = (keras.tree.map_structure(lambda array: np.asarray(array)[:_MOST], part) for part in data)
    lengths = sorted({len(array) for part in data for array in keras.tree.flatten(part)})
    if len(lengths) > 1:
        raise OptionError(f"data=(x, y) needs as many targets as inputs, and has {lengths[0]} of one and {lengths[-1]}")
    count = len(keras.tree.flatten(y)[0])
    sums = [np.zeros(tuple(variable.shape)) for variable in model.trainable_variables]
    for begin in range(0, count, _BATCH):
        some_x, some_y = (
            keras.tree.map_structure(lambda array, at=begin: tf.convert_to_tensor(array[at : at + _BATCH]), part)
            for part in (x, y)
        )
        with tf.GradientTape() as tape:
            loss = model.compute_loss(some_x, some_y, model(some_x, training=False))
        found = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
        share = min(_BATCH, count - begin) / count
        for place, gradient in enumerate(found):
            if gradient is not None:
                sums[place] += share * tf.convert_to_tensor(gradient).numpy()
    return {id(variable): total for variable, total in zip(model.trainable_variables, sums, strict=True)}
