"""A changed model learns again what it lost: from the labels, and from the model that it was made of."""

from inferspeed_magic.training.fitting import learn
from inferspeed_magic.training.lesson import LOG, STUDENT, Lesson, hash_of_objects, pickled, read_lesson, write_lesson
from inferspeed_magic.training.log import read_epochs

__all__ = [
    "LOG",
    "STUDENT",
    "Lesson",
    "hash_of_objects",
    "learn",
    "pickled",
    "read_epochs",
    "read_lesson",
    "write_lesson",
]
