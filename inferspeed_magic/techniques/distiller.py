"""Train a student on a teacher's answers, as a step of a conversion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.sources.portable import read
from inferspeed_magic.techniques.keras_folder import opened, save
from inferspeed_magic.training import STUDENT, learn, read_lesson

#: Whoever begins with nothing needs longer than who lost a little; the time allowed ends it before.
_EPOCHS = 50


def distill(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    lesson: str | None = None,
    student: str = "",
) -> None:
    """Have a student learn the labels, and what its teacher answers.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model: the teacher.
        target: folder to write: the student.
        batch_size: not used.
        inputs: not used.
        lesson: folder with what to train with, and the student's own folder in it.
        student: which of several; empty for the only one.

    Raises:
        UnsupportedError: without a student, or for models of tf_keras.
    """
    del state, batch_size, inputs
    teacher = opened(source)
    if teacher.library != "keras":
        raise UnsupportedError("a student learns from models of Keras 3, and this is one of tf_keras")
    if lesson is None or not (Path(lesson) / STUDENT / student).is_dir():
        raise UnsupportedError("there is no student to train")
    folder = Path(lesson) / STUDENT / student
    plan = read_lesson(lesson)
    plan = replace(plan, epochs=plan.epochs or _EPOCHS)
    trained, _ = learn(
        read(str(folder)).model,
        teacher.model,
        plan,
        pack=teacher.pack,
        log_folder=lesson,
        features=plan.features,
    )
    save(trained, teacher, str(folder), target)
