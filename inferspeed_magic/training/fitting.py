"""Train a Keras 3 model by a lesson: from labels, from a teacher's answers, or by the user's own function."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.records.epoch import Epoch
from inferspeed_magic.training.answers import CHECK_SHARE, SHARE, answered, at
from inferspeed_magic.training.correctness import correctness
from inferspeed_magic.training.features import feature_loss, nested_answers, with_features
from inferspeed_magic.training.log import write_epoch
from inferspeed_magic.training.pacing import pace
from inferspeed_magic.training.soft_targets import soft_loss, targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from inferspeed_magic.training.lesson import Labels, Lesson

    Array = np.ndarray[Any, Any]

#: Epochs where the user names none, and samples of one step are left to us.
EPOCHS = 10
#: The labels' share of the loss; the rest is the teacher's, half of it for features where some are learned.
_LABELS, _FEATURES = 0.5, 0.5
_LEARNING_RATE, _LEAST_RATE = 1e-3, 1e-4


def learn(
    student: Any,
    teacher: Any,
    lesson: Lesson,
    *,
    pack: Callable[[Sequence[Array]], Any],
    log_folder: str | Path | None = None,
    features: Mapping[str, str] | None = None,
) -> tuple[Any, list[Epoch]]:
    """Train a model in place until its time is up, or until it learns no more; the best weights seen stay.

    Where there are labels and a loss, half of what is minimized is the user's own loss; the rest, or all of it, is the
    distance from the teacher's softened answers, and from its features where some are named.

    Args:
        student: a Keras 3 model.
        teacher: the model whose answers are learned; it is not changed.
        lesson: samples, labels, time.
        pack: nests a flat list of inputs as both models take them.
        log_folder: where each epoch is written down at its end; None for nowhere.
        features: layers of the teacher, and which of the student's learns from each; None for answers alone.

    Returns:
        The model, which is another one only where the user's own function returned one; and its epochs.

    Raises:
        UnsupportedError: where there is nothing to learn from.
    """
    import keras

    keras.utils.set_random_seed(lesson.seed)
    began = time.monotonic()
    # What was changed has to learn again, frozen or not; the flag goes down to the layers where it changes.
    student.trainable = False
    student.trainable = True
    if lesson.fine_tune is not None:
        if lesson.loss is not None:
            student.compile(
                optimizer=_optimizer(lesson, keras),
                loss=lesson.loss,
                loss_weights=lesson.loss_weights,
                jit_compile=False,
            )
        made = lesson.fine_tune(student)  # which may return what `fit` returned
        return made if isinstance(made, keras.Model) else student, []
    if len(lesson) == 0:
        raise UnsupportedError("there are no samples to train with")
    asking = partial(answered, teacher, pack=pack, keras=keras, at_once=lesson.batch_size, seed=lesson.seed)
    places, taught = asking(lesson.inputs, until=began + SHARE * lesson.limit_s)
    x, labels, weights = pack(at(lesson.inputs, places)), at(lesson.labels, places), at(lesson.weights, places)
    supervised = lesson.loss is not None and labels is not None
    loss_of_labels = _compiled(student, lesson, keras) if supervised else None
    read_as = targets(taught, teacher, lesson.loss, keras)
    right = correctness(labels, taught, read_as, keras) if supervised else None
    soft = soft_loss(read_as, keras, lesson.temperature)
    insight = _Insight(teacher, student, features, keras) if features else None
    pupil = _pupil(student, soft, loss_of_labels, right, insight=insight, keras=keras)
    pupil.compile(optimizer=_optimizer(lesson, keras), jit_compile=False)
    check: dict[str, Any] = {}
    if lesson.check_inputs:
        checked, check_taught = asking(lesson.check_inputs, until=began + CHECK_SHARE * lesson.limit_s)
        # Without labels of their own these could not be held against the others' loss.
        if not supervised or lesson.check_labels is not None:
            check_x, check_labels = pack(at(lesson.check_inputs, checked)), at(lesson.check_labels, checked)
            check["validation_data"] = (check_x, _answers(check_taught, check_labels, supervised=supervised))
    epochs = lesson.epochs or EPOCHS
    steps = epochs * -(-len(places) // lesson.batch_size)
    found: list[Epoch] = []

    def note(number: int, logs: dict[str, float], cut_short: bool) -> None:  # noqa: FBT001  (as ``pace`` calls it)
        loss = float(logs["loss"])
        accuracy = float(logs["val_correct"]) if "val_correct" in logs else None
        facts = loss, float(logs.get("val_loss", loss)), time.monotonic() - began, accuracy
        found.append(Epoch(number + 1, *facts, cut_short=cut_short))
        write_epoch(log_folder, found[-1])

    callbacks = [
        pace(keras, steps, began + lesson.limit_s, note),
        keras.callbacks.EarlyStopping(
            "val_loss" if check else "loss", patience=max(3, epochs // 3), restore_best_weights=True
        ),
    ]
    pupil.fit(
        x,
        _answers(taught, labels, supervised=supervised),
        sample_weight=weights,
        batch_size=lesson.batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=callbacks,
        **check,
    )
    return student, found


def _answers(taught: Sequence[Array], labels: Labels, *, supervised: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"taught": {f"output_{place}": array for place, array in enumerate(taught)}}
    if supervised and labels is not None:
        # As `fit` takes them: by themselves for one output, otherwise as the outputs are nested.
        # A list would be taken for one array.
        several = labels if isinstance(labels, dict) else tuple(labels)
        found["labels"] = several if isinstance(labels, dict) or len(labels) > 1 else labels[0]
    return found


def _compiled(student: Any, lesson: Lesson, keras: Any) -> Callable[..., Any]:
    """Give the user's loss, as Keras computes it for this model: over all outputs, weighted."""
    student.compile(
        optimizer=keras.optimizers.SGD(), loss=lesson.loss, loss_weights=lesson.loss_weights, jit_compile=False
    )
    loss: Callable[..., Any] = student.compute_loss
    return loss


def _optimizer(lesson: Lesson, keras: Any) -> Any:
    """Make one of the user's kind that remembers nothing."""
    if lesson.optimizer is not None:
        config = dict(lesson.optimizer["config"])
        with contextlib.suppress(TypeError, ValueError, KeyError):  # the user's own class
            if isinstance(config.get("learning_rate"), dict):  # a schedule of another training: its beginning counts
                schedule = keras.optimizers.schedules.deserialize(config["learning_rate"])
                config["learning_rate"] = float(schedule(0)) or _LEARNING_RATE
            if "learning_rate" in config:  # lowered to nothing at the end of the training before
                config["learning_rate"] = max(float(config["learning_rate"]), _LEAST_RATE)
            return keras.optimizers.deserialize({**lesson.optimizer, "config": config})
    return keras.optimizers.Adam(_LEARNING_RATE)


class _Insight:
    """Looks into teacher and student."""

    def __init__(self, teacher: Any, student: Any, features: Mapping[str, str], keras: Any) -> None:
        self._teacher = with_features(teacher, "the teacher", list(features), keras)
        self._student = with_features(student, "the student", list(features.values()), keras)
        self._count = len(features)
        self._loss = feature_loss(keras)

    def answers(self, inputs: Any, training: bool | None) -> list[Any]:  # noqa: FBT001  (as Keras has it)
        """Run the student; what its layers make comes behind its answers."""
        found: list[Any] = self._student(inputs, training=training)
        return found

    def take_off(self, answers: list[Any]) -> list[Any]:
        """Leave out what layers made."""
        return answers[: -self._count]

    def distance(self, inputs: Any, answers: list[Any]) -> Any:
        """Compare what layers made with what those of the teacher make."""
        return self._loss(self._teacher(inputs, training=False)[-self._count :], answers[-self._count :])


def _pupil(
    student: Any,
    soft: Callable[[Any, Any], Any],
    loss_of_labels: Callable[..., Any] | None,
    right: Callable[[Any, Any], Any] | None,
    *,
    insight: _Insight | None,
    keras: Any,
) -> Any:
    """Wrap the student so that Keras's own training minimizes both losses, and sees how many answers are right."""

    class Pupil(keras.Model):  # type: ignore[misc]
        """The student, while it learns."""

        def __init__(self) -> None:
            super().__init__(name="pupil")
            self.student = student
            self.correct: Any = keras.metrics.Mean(name="correct") if right is not None else None

        def call(self, inputs: Any, training: bool | None = None) -> Any:  # noqa: FBT001  (as Keras calls it)
            return self.student(inputs, training=training) if insight is None else insight.answers(inputs, training)

        def compute_loss(
            self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: Any = None
        ) -> Any:
            del training
            taught = [y["taught"][f"output_{place}"] for place in range(len(y["taught"]))]
            inside = y_pred
            y_pred = self.answered(y_pred)
            distance = soft(taught, keras.tree.flatten(y_pred))
            if insight is not None:
                distance = (1.0 - _FEATURES) * distance + _FEATURES * insight.distance(x, inside)
            if loss_of_labels is None:
                more = self.losses
                return distance + sum(more) if more else distance
            # Keras spreads the weights over everything that it takes for labels.
            weights = sample_weight["labels"] if isinstance(sample_weight, dict) else sample_weight
            return _LABELS * loss_of_labels(x, y["labels"], y_pred, weights) + (1.0 - _LABELS) * distance

        def answered(self, y_pred: Any) -> Any:
            """Give what the student itself answers, as it nests it."""
            if insight is None:
                return y_pred
            return keras.tree.pack_sequence_as(nested_answers(student, keras), insight.take_off(y_pred))

        def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            y_pred = self.answered(y_pred)
            if right is not None:
                self.correct.update_state(right(*(keras.tree.flatten(each)[0] for each in (y["labels"], y_pred))))
            return super().compute_metrics(x, y, y_pred, sample_weight)

    return Pupil()
