"""What a ``%%distill`` line asks for: what ``%%optimize`` knows, with a student's training as the one technique."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from inferspeed_magic.errors import OptionError
from inferspeed_magic.magics.optimize_options import build, read

if TYPE_CHECKING:
    from inferspeed_magic.magics.optimize_options import OptimizeOptions

_TECHNIQUE = "distillation"
_PARSER = build(
    "%distill",
    train="what students are trained with, such as x_train,y_train, or a data set: they learn its labels, and what the "
    "teacher answers. Other samples than those of --data",
    epochs="of one student's training at most (50); the budget may end it before, and so does a loss on the samples "
    "of --data that falls no more",
    technique="what to do to students that have learned, such as float16,post_training_static (Tab lists them); may be "
    "repeated; nothing if left out",
)
OPTIONS = _PARSER.options
"""The options in the order of the documentation."""


def parse(line: str) -> OptimizeOptions:
    """Read a magic line.

    Raises:
        OptionError: one line on what is wrong and how to mend it.
    """
    options = read(_PARSER, line)
    if options.train is None:
        raise OptionError("a student learns from samples; give them, as in --train x_train,y_train")
    if _TECHNIQUE in options.exclude:
        raise OptionError(f"--exclude {_TECHNIQUE} leaves nothing to do; leave it out, or use %%optimize")
    return replace(options, techniques=tuple(dict.fromkeys([_TECHNIQUE, *(options.techniques or ())])))
