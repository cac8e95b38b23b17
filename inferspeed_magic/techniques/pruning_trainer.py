"""Zeros in the kernels of a Keras model, while it goes on learning: by tfmot on its twin, or with masks of our own.

Source: M. Zhu, S. Gupta, "To prune, or not to prune", 2017, https://arxiv.org/abs/1710.01878: sparsity grows while the
model trains, fast at first.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.techniques.keras_folder import opened, save
from inferspeed_magic.techniques.kernels import FEWEST
from inferspeed_magic.techniques.magnitude_pruner import prunable, zero
from inferspeed_magic.techniques.masks import BLOCK, fits, kept_zero
from inferspeed_magic.techniques.twin_training import learn_in_tf_keras
from inferspeed_magic.training import LOG, learn, read_lesson
from inferspeed_magic.training.fitting import EPOCHS
from inferspeed_magic.twins import hand_over, rebuild

if TYPE_CHECKING:
    from inferspeed_magic.sources.portable import PortableModel
    from inferspeed_magic.techniques.masks import Pattern
    from inferspeed_magic.training import Lesson

#: Of the training, after which all zeros are there; masks are drawn anew that often until then.
_GROWING, _UPDATES = 0.3, 10
_SAME = 1e-4
#: Layers of tf_keras, and the names of their kernels in them.
_KERNELS = {
    **dict.fromkeys(("Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D"), ("kernel",)),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), ("kernel",)),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), ("pointwise_kernel",)),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), ("cell.kernel", "cell.recurrent_kernel")),
    "Bidirectional": tuple(
        f"{way}_layer.cell.{kernel}" for way in ("forward", "backward") for kernel in ("kernel", "recurrent_kernel")
    ),
    "MultiHeadAttention": tuple(f"_{part}_dense.kernel" for part in ("query", "key", "value", "output")),
}


def prune(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    sparsity_percent: int,
    pattern: Pattern,
    lesson: str,
) -> None:
    """Set the smallest weights of every kernel to zero, more and more of them, while the others learn.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model.
        target: folder to write.
        batch_size: not used.
        inputs: not used.
        sparsity_percent: share of zeros in each kernel in the end.
        pattern: of the zeros.
        lesson: folder of what to train with.

    Raises:
        UnsupportedError: for models of tf_keras, and those without a kernel that could have such zeros.
    """
    del state, batch_size, inputs
    found = prunable(source, pattern)
    sparsity = sparsity_percent / 100
    model, taught = found.model, read_lesson(lesson)
    began = time.monotonic()
    try:
        _train_twin(found, taught, lesson, sparsity, pattern)
    except Exception:  # noqa: BLE001  (custom layers, the user's own training, what tfmot trips over)
        # Masks of our own do for all of them; what is wrong with the lesson itself is said there again.
        (Path(lesson) / LOG).unlink(missing_ok=True)
        left = replace(taught, limit_s=max(0.0, taught.limit_s - (time.monotonic() - began)))
        model = _train(found, left, sparsity, pattern, source=source, folder=lesson)
    zero(model, sparsity, pattern)
    save(model, found, source, target)


def _train(found: PortableModel, taught: Lesson, sparsity: float, pattern: Pattern, *, source: str, folder: str) -> Any:
    """Train with masks of our own, whatever the layers; gives the trained model."""
    masks = zero(found.model, sparsity, pattern)
    with kept_zero(masks):
        model, _ = learn(found.model, opened(source).model, taught, pack=found.pack, log_folder=folder)
    return model


def _train_twin(found: PortableModel, taught: Lesson, folder: str, sparsity: float, pattern: Pattern) -> None:
    """Let tfmot prune the twin while it learns; its weights come back to the model.

    Raises:
        UnsupportedError: where there is no twin, or tfmot does not leave its outputs alone.
    """
    if taught.fine_tune is not None:
        raise UnsupportedError("the user's own training takes models of Keras 3")
    twin = rebuild(found.model)
    import tensorflow_model_optimization as tfmot

    growth = _Growth(sparsity, len(taught), taught)
    wrapped = _wrapped(twin, growth, pattern, tfmot)
    _make_sure(wrapped, twin, found, taught)
    learn_in_tf_keras(
        wrapped,
        found.model,
        taught,
        pack=found.pack,
        log_folder=folder,
        callbacks=[growth.callback(), tfmot.sparsity.keras.UpdatePruningStep()],
        ready=growth.over,
    )
    hand_over(tfmot.sparsity.keras.strip_pruning(wrapped), found.model)


def _wrapped(twin: Any, growth: _Growth, pattern: Pattern, tfmot: Any) -> Any:
    import tf_keras

    options: dict[str, Any] = {}
    pruned: list[str] = []
    if pattern == "two_in_four":
        options["sparsity_m_by_n"] = (2, 4)
    elif pattern == "blocks":
        options["block_size"] = (BLOCK, BLOCK)

    def wrap(layer: Any) -> Any:
        if isinstance(layer, tf_keras.Model):
            return tf_keras.models.clone_model(layer, clone_function=wrap)
        paths = _KERNELS.get(type(layer).__name__, ())
        kernels = [_at(layer, path) for path in paths]
        if not kernels or not all(
            each.shape.num_elements() >= FEWEST and fits(each.shape.as_list(), pattern) for each in kernels
        ):
            return layer
        layer.get_prunable_weights = lambda: [_at(layer, path) for path in paths]
        pruned.append(layer.name)
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=growth.schedule(tfmot), **options)

    wrapped = tf_keras.models.clone_model(twin, clone_function=wrap)
    if not pruned:
        raise UnsupportedError("tfmot prunes none of these layers")
    return wrapped


def _at(layer: Any, path: str) -> Any:
    for name in path.split("."):
        layer = getattr(layer, name)
    return layer


def _make_sure(wrapped: Any, twin: Any, found: PortableModel, taught: Lesson) -> None:
    """Compare outputs: tfmot's wrappers lose masks of sequences in some graphs.

    Raises:
        UnsupportedError: where they differ.
    """
    import tensorflow as tf

    few = found.pack([array[:2] for array in taught.inputs])
    both = [[np.asarray(each) for each in tf.nest.flatten(model(few, training=False))] for model in (wrapped, twin)]
    if not relative_error(*both) <= _SAME:
        raise UnsupportedError("tfmot's wrappers change what the twin computes")


class _Growth:
    """How sparsity grows: by steps or by time, whichever is further, so that the zeros are there when time is up.

    Args:
        final: sparsity.
        count: of samples.
        taught: how long to train.
    """

    def __init__(self, final: float, count: int, taught: Lesson) -> None:
        import tensorflow as tf

        self._final, self._limit_s = final, taught.limit_s
        self._steps = max(1, (taught.epochs or EPOCHS) * -(-count // taught.batch_size))
        self._every = max(1, int(self._steps * _GROWING / _UPDATES))
        self._sparsity = tf.Variable(0.0, trainable=False)
        self._steps_at_the_end = 0

    def over(self) -> bool:
        """Tell whether it grows no more, and masks were drawn since."""
        return self._steps_at_the_end > self._every

    def schedule(self, tfmot: Any) -> Any:
        """Make what tfmot asks at every step."""
        import tensorflow as tf

        growth, every = self._sparsity, self._every

        class Growing(tfmot.sparsity.keras.PruningSchedule):  # type: ignore[misc]
            """PolynomialDecay, whose end is a time."""

            def __call__(self, step: Any) -> Any:
                return tf.equal(tf.math.floormod(step, every), 0), growth

            def get_config(self) -> dict[str, Any]:
                return {"class_name": "Growing", "config": {}}

        return Growing()

    def callback(self) -> Any:
        """Make what moves it on."""
        import tf_keras

        growth = self

        class Grow(tf_keras.callbacks.Callback):  # type: ignore[misc]
            """Moves sparsity on before every step."""

            def on_train_begin(self, logs: Any = None) -> None:
                del logs
                self._began, self._done = time.monotonic(), 0

            def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
                del batch, logs
                share = max(self._done / growth._steps, (time.monotonic() - self._began) / growth._limit_s)
                growth._move(min(1.0, share / _GROWING))
                self._done += 1

        return Grow()

    def _move(self, way: float) -> None:
        self._steps_at_the_end += way >= 1.0
        self._sparsity.assign(self._final * (1.0 - (1.0 - way) ** 3))
