"""Where Keras uses operators of TensorFlow that converters lack, have it use plain ones while a model is traced."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

from inferspeed_magic.formats.replacement import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def plain_operators() -> Iterator[None]:
    """Have categories, ranges and signs found by comparison, and no masks drawn for dropout.

    TensorFlow has ``DenseBincount`` for categories and ``Bucketize`` for ranges; for signs Keras looks at bits, and
    ``argmax`` asks for signs to tell -0 from 0. Recurrent layers draw masks in inference, too, and never look at them.
    """
    arrays = importlib.import_module("keras.src.backend.tensorflow.numpy")
    cells = importlib.import_module("keras.src.layers.rnn.dropout_rnn_cell").DropoutRNNCell
    with (
        replaced(importlib.import_module("keras.src.utils.tf_utils"), "tf_encode_categorical_inputs", _refused),
        replaced(arrays, "digitize", _counted),
        replaced(arrays, "signbit", _compared),
        replaced(cells, "get_dropout_mask", _undrawn),
        replaced(cells, "get_recurrent_dropout_mask", _undrawn),
    ):
        yield


@contextlib.contextmanager
def plain_products() -> Iterator[None]:
    """Have products of 8-bit integers computed in float32, and packed 4-bit weights unpacked beforehand.

    A sum of 8-bit products is exact in float32 up to a thousand of them, and right to 7 digits beyond.
    """
    with (
        replaced(importlib.import_module("tensorflow"), "matmul", _float_product),
        replaced(importlib.import_module("keras.src.quantizers"), "unpack_int4", _unpacked_now),
    ):
        yield


def _refused(_: Any) -> Any:
    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("no shortcut")  # upon which Keras takes its general implementation

    return refuse


def _undrawn(_: Any) -> Any:
    return lambda *_: None


def _counted(original: Any) -> Any:
    import tensorflow as tf

    def digitize(x: Any, bins: Any) -> Any:
        if not tf.is_tensor(x) or isinstance(x, tf.RaggedTensor | tf.SparseTensor):
            return original(x, bins)
        values = x if x.dtype == tf.float64 else tf.cast(x, tf.float32)
        bounds = tf.constant([float(bound) for bound in bins], values.dtype)
        return tf.reduce_sum(tf.cast(values[..., None] >= bounds, tf.int32), axis=-1)

    return digitize


def _compared(original: Any) -> Any:
    import tensorflow as tf

    def signbit(x: Any) -> Any:
        x = tf.convert_to_tensor(x)
        return x < 0 if x.dtype.is_floating else original(x)

    return signbit


def _float_product(original: Any) -> Any:
    import tensorflow as tf

    def matmul(first: Any, second: Any, *arguments: Any, output_type: Any = None, **options: Any) -> Any:
        if output_type is None:
            return original(first, second, *arguments, **options)
        product = original(tf.cast(first, tf.float32), tf.cast(second, tf.float32), *arguments, **options)
        return tf.cast(product, output_type)

    return matmul


def _unpacked_now(original: Any) -> Any:
    import tensorflow as tf

    def unpack(packed: Any, *arguments: Any, **options: Any) -> Any:
        known = tf.get_static_value(packed)
        if known is None:
            return original(packed, *arguments, **options)
        with tf.init_scope():
            value = original(tf.constant(known), *arguments, **options).numpy()
        return tf.constant(value)

    return unpack
