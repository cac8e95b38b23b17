"""Keras itself, on TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.optimized.recipe_parts.script import THREADS, infer, load

if TYPE_CHECKING:
    from pathlib import Path


def run_compiled(file: Path, arrays: list[Any]) -> list[Any]:
    """Compile the model with ``tf.function`` and run one batch."""
    import tensorflow as tf

    model = load(file)
    function = tf.function(lambda *inputs: infer(model, inputs), autograph=False)
    return [np.asarray(each) for each in function(*map(tf.convert_to_tensor, arrays))]


def run_xla(file: Path, arrays: list[Any]) -> list[Any]:
    """Compile the model with XLA and run one batch."""
    import tensorflow as tf

    model = load(file)
    function = tf.function(lambda *inputs: infer(model, inputs), autograph=False, jit_compile=True)
    return [np.asarray(each) for each in function(*map(tf.convert_to_tensor, arrays))]


def run_eagerly(file: Path, arrays: list[Any]) -> list[Any]:
    """Call the model on one batch."""
    import tensorflow as tf

    return [np.asarray(each) for each in infer(load(file), [tf.convert_to_tensor(each) for each in arrays])]


def limit_threads() -> None:
    """Set the number of threads; TensorFlow takes it before its first operation only."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
