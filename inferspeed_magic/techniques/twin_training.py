"""Train a tf_keras model by a lesson: what tensorflow-model-optimization wraps cannot be trained by Keras 3.

The losses stay those of Keras 3, the user's own among them: these compute with TensorFlow's tensors.
"""

from __future__ import annotations

import contextlib
import inspect
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.records.epoch import Epoch
from inferspeed_magic.training.answers import CHECK_SHARE, SHARE, answered, at
from inferspeed_magic.training.correctness import correctness
from inferspeed_magic.training.fitting import EPOCHS
from inferspeed_magic.training.log import write_epoch
from inferspeed_magic.training.pacing import pace
from inferspeed_magic.training.soft_targets import soft_loss, targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from inferspeed_magic.training import Lesson
    from inferspeed_magic.training.soft_targets import Target

    Array = np.ndarray[Any, Any]
    #: Of ``y, what the student answers, weights of samples``.
    Loss = Callable[[Any, Any, Any], Any]

#: The labels' share of the loss; the rest is the teacher's.
_LABELS = 0.5
_LEARNING_RATE = 1e-3
_PATIENCE = 3


def learn_in_tf_keras(
    student: Any,
    teacher: Any,
    lesson: Lesson,
    *,
    pack: Callable[[Sequence[Array]], Any],
    log_folder: str | Path | None,
    callbacks: Sequence[Any] = (),
    ready: Callable[[], bool] = lambda: True,
    rate: float = 1.0,
) -> list[Epoch]:
    """Train a model in place until its time is up, or until it learns no more; the best weights seen stay.

    It learns the teacher's answers, and where there are labels and a loss, those for the other half. A function of the
    user's own that trains is not called: it takes models of Keras 3.

    Args:
        student: a model of tf_keras, with the outputs of the teacher.
        teacher: the Keras 3 model whose answers are learned; it is compiled, and its weights stay.
        lesson: samples, labels, time.
        pack: nests a flat list of inputs as both models take them.
        log_folder: where each epoch is written down at its end; None for nowhere.
        callbacks: more of them, of tf_keras.
        ready: whether the weights are what they have to be in the end, so that they may be the best.
        rate: by which the user's learning rate is multiplied: what only has to settle needs less of it.

    Raises:
        UnsupportedError: where there is nothing to learn from.
    """
    import keras
    import tf_keras

    if len(lesson) == 0:
        raise UnsupportedError("there are no samples to train with")
    tf_keras.utils.set_random_seed(lesson.seed)
    began = time.monotonic()
    asking = partial(answered, teacher, pack=pack, keras=keras, at_once=lesson.batch_size, seed=lesson.seed)
    places, taught = asking(lesson.inputs, until=began + SHARE * lesson.limit_s)
    inputs, labels, weights = (at(each, places) for each in (lesson.inputs, lesson.labels, lesson.weights))
    supervised = lesson.loss is not None and lesson.labels is not None
    read_as = targets(taught, teacher, lesson.loss, keras)
    loss = _loss(teacher, lesson, read_as, keras, supervised=supervised)
    right = correctness(labels, taught, read_as, keras) if supervised else None
    x, y = pack(inputs), _answers(taught, labels, supervised=supervised)
    _call_once(loss, x, y, student, tf_keras)
    pupil = _pupil(student, loss, right, keras, tf_keras)
    pupil.compile(optimizer=_optimizer(lesson, rate, keras, tf_keras))
    check = None
    if lesson.check_inputs and (not supervised or lesson.check_labels is not None):
        checked, check_taught = asking(lesson.check_inputs, until=began + CHECK_SHARE * lesson.limit_s)
        check_inputs, check_labels = (at(each, checked) for each in (lesson.check_inputs, lesson.check_labels))
        check = (pack(check_inputs), _answers(check_taught, check_labels, supervised=supervised))
    epochs = lesson.epochs or EPOCHS
    found: list[Epoch] = []
    unready: list[int] = []

    def note(number: int, logs: dict[str, float], cut_short: bool) -> None:  # noqa: FBT001  (as ``pace`` calls it)
        value = float(logs["loss"])
        accuracy = float(logs["val_correct"]) if "val_correct" in logs else None
        seconds, stage = time.monotonic() - began, 1
        if not ready():
            unready.append(number)
        elif unready:  # from here on weights may stay
            stage = 2
        found.append(Epoch(number + 1, value, float(logs.get("val_loss", value)), seconds, accuracy, stage, cut_short))
        write_epoch(log_folder, found[-1])

    steps = epochs * -(-len(places) // lesson.batch_size)
    pupil.fit(
        x,
        y,
        sample_weight=weights,
        batch_size=lesson.batch_size,
        epochs=epochs,
        verbose=0,
        validation_data=check,
        callbacks=[
            *callbacks,
            pace(tf_keras, steps, began + lesson.limit_s, note),
            _keeping_the_best(ready, max(_PATIENCE, epochs // 3), tf_keras),
        ],
    )
    return found


def _answers(taught: Sequence[Array], labels: Any, *, supervised: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"taught": {f"output_{place}": array for place, array in enumerate(taught)}}
    if supervised:
        one = isinstance(labels, list) and len(labels) == 1
        # By position in a dictionary, too: lists do not arrive as lists.
        found["labels"] = labels[0] if one else labels if isinstance(labels, dict) else dict(enumerate(labels))
    return found


def _loss(teacher: Any, lesson: Lesson, read_as: Sequence[Target], keras: Any, *, supervised: bool) -> Loss:
    soft = soft_loss(read_as, keras)
    if supervised:
        teacher.compile(
            optimizer=keras.optimizers.SGD(), loss=lesson.loss, loss_weights=lesson.loss_weights, jit_compile=False
        )

    def loss(y: Any, seen: Any, weights: Any) -> Any:
        distance = soft([y["taught"][f"output_{place}"] for place in range(len(read_as))], keras.tree.flatten(seen))
        if not supervised:
            return distance
        labels = y["labels"]
        if isinstance(labels, dict) and set(labels) == set(range(len(labels))):
            labels = [labels[place] for place in range(len(labels))]
        # Not `compute_loss`, which adds the penalties of the teacher's layers: they are of its own last call.
        compiled = teacher._compile_loss(labels, seen, weights)  # noqa: SLF001  (nowhere public)
        return _LABELS * compiled + (1.0 - _LABELS) * distance

    return loss


def _call_once(loss: Loss, x: Any, y: Any, student: Any, tf_keras: Any) -> None:
    """Have Keras 3 make what it remembers losses in, before anything is traced."""
    import tensorflow as tf

    one, answers = tf.nest.map_structure(lambda array: tf.convert_to_tensor(array[:1]), (x, y))
    del tf_keras
    loss(answers, student(one, training=False), None)


def _pupil(student: Any, loss: Loss, right: Callable[[Any, Any], Any] | None, keras: Any, tf_keras: Any) -> Any:
    """Wrap the student so that tf_keras's own training minimizes the loss, and sees how many answers are right."""
    import tensorflow as tf

    class Pupil(tf_keras.Model):  # type: ignore[misc]
        """The student, while it learns."""

        def __init__(self) -> None:
            super().__init__(name="pupil")
            self.student = student
            self.mean = tf_keras.metrics.Mean(name="loss")
            self.correct = tf_keras.metrics.Mean(name="correct")

        @property
        def metrics(self) -> list[Any]:
            return [self.mean, self.correct]

        def call(self, inputs: Any, training: bool | None = None) -> Any:  # noqa: FBT001  (as tf_keras calls it)
            return self.student(inputs, training=training)

        def train_step(self, data: Any) -> dict[str, Any]:
            x, y, weights = tf_keras.utils.unpack_x_y_sample_weight(data)
            with tf.GradientTape() as tape:
                value = loss(y, self(x, training=True), weights)
                value = value + sum(self.losses) if self.losses else value
            self.optimizer.minimize(value, self.trainable_variables, tape=tape)
            self.mean.update_state(value)
            return {"loss": self.mean.result()}

        def test_step(self, data: Any) -> dict[str, Any]:
            x, y, weights = tf_keras.utils.unpack_x_y_sample_weight(data)
            seen = self(x, training=False)
            self.mean.update_state(loss(y, seen, weights))
            if right is None:
                return {"loss": self.mean.result()}
            self.correct.update_state(right(*(keras.tree.flatten(each)[0] for each in (y["labels"], seen))))
            return {"loss": self.mean.result(), "correct": self.correct.result()}

    return Pupil()


def _optimizer(lesson: Lesson, rate: float, keras: Any, tf_keras: Any) -> Any:
    """Make tf_keras's of the user's kind, which remembers nothing; Adam where it has none of this kind."""
    wanted = dict(lesson.optimizer["config"]) if lesson.optimizer is not None else {}
    highest = wanted.pop("learning_rate", _LEARNING_RATE)
    if isinstance(highest, dict):  # a schedule of another training: its beginning counts
        highest = _LEARNING_RATE
        with contextlib.suppress(TypeError, ValueError, KeyError):  # the user's own class
            highest = float(keras.optimizers.schedules.deserialize(lesson.optimizer["config"]["learning_rate"])(0))  # type: ignore[index]
    kind = getattr(tf_keras.optimizers, lesson.optimizer["class_name"] if lesson.optimizer else "Adam", None)
    if kind is None:
        kind, wanted = tf_keras.optimizers.Adam, {}
    taken = {name: wanted[name] for name in inspect.signature(kind.__init__).parameters if wanted.get(name) is not None}
    for name in ("name", "use_ema", "ema_momentum", "ema_overwrite_frequency", "jit_compile"):
        taken.pop(name, None)
    return kind(learning_rate=float(highest or _LEARNING_RATE) * rate, **taken, jit_compile=False)


def _keeping_the_best(ready: Callable[[], bool], patience: int, tf_keras: Any) -> Any:
    class Keeping(tf_keras.callbacks.Callback):  # type: ignore[misc]
        """Remembers the weights of the best epoch, stops where no better one comes, and brings them back."""

        def on_train_begin(self, logs: Any = None) -> None:
            del logs
            self._best, self._waited = np.inf, 0
            self._weights: list[Any] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            del epoch
            if not ready():
                return
            value = float(logs.get("val_loss", logs["loss"]))
            if value < self._best:
                self._best, self._waited = value, 0
                self._weights = [each.numpy() for each in self.model.student.weights]
                return
            self._waited += 1
            if self._waited >= patience:
                self.model.stop_training = True

        def on_train_end(self, logs: Any = None) -> None:
            del logs
            for variable, values in zip(self.model.student.weights, self._weights, strict=bool(self._weights)):
                variable.assign(values)

    return Keeping()
