"""A changed model learns again what it lost: from the labels, and from the model that it was made of."""

from inferspeed_magic.training.fitting import learn
from inferspeed_magic.training.lesson import LOG, STUDENT, Lesson, pickled, read_lesson, write_lesson

__all__ = ["LOG", "STUDENT", "Lesson", "learn", "pickled", "read_lesson", "write_lesson"]
