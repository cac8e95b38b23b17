"""Where Keras uses operators of TensorFlow that converters lack, have it use plain ones while a model is traced."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def plain_categories() -> Iterator[None]:
    """Have categories encoded by comparison: the shortcut for TensorFlow counts with ``DenseBincount``."""

    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("no shortcut")  # upon which Keras takes its general implementation

    with _replaced("keras.src.utils.tf_utils", "tf_encode_categorical_inputs", lambda _: refuse):
        yield


@contextlib.contextmanager
def plain_products() -> Iterator[None]:
    """Have products of 8-bit integers computed in float32, and packed 4-bit weights unpacked beforehand.

    A sum of 8-bit products is exact in float32 up to a thousand of them, and right to 7 digits beyond.
    """
    with (
        _replaced("tensorflow", "matmul", _float_product),
        _replaced("keras.src.quantizers", "unpack_int4", _unpacked_now),
    ):
        yield


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


@contextlib.contextmanager
def _replaced(module: str, name: str, change: Any) -> Iterator[None]:
    """Replace a function for a moment; a version of the library that has none needs no replacement."""
    place = importlib.import_module(module)
    original = getattr(place, name, None)
    if original is None:
        yield
        return
    with mock.patch.object(place, name, change(original)):
        yield
