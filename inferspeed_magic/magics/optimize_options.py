"""What an ``%optimize`` line asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from inferspeed_magic.errors import OptionError
from inferspeed_magic.magics import goal_values, shared_options, values
from inferspeed_magic.magics.option_parser import OptionParser, each_once

if TYPE_CHECKING:
    from inferspeed_magic.records.optimization import Target


@dataclass(frozen=True)
class OptimizeOptions:
    """One line of ``%optimize``, checked as far as that goes without the user's variables.

    ``name``, ``data``, ``train`` and ``metric`` are still text: what they mean is known after the cell has run.
    """

    name: str | None
    data: str | None
    train: str | None
    epochs: int | None
    temperature: float | None
    features: tuple[tuple[str, str], ...]
    metric: str | None
    max_drop: float
    target: Target
    batch_size: int
    device: str
    threads: int | None
    max_size_mb: float | None
    max_memory_mb: float | None
    budget_s: float
    techniques: tuple[str, ...] | None
    runtimes: tuple[str, ...] | None
    exclude: tuple[str, ...]
    input_shapes: tuple[tuple[int, ...], ...] | None
    seed: int
    into: str | None
    quiet: bool


def build(magic: str, *, train: str, epochs: str, technique: str) -> OptionParser:
    """Make the parser of a magic that searches.

    Args:
        magic: its name.
        train: what ``--train`` means for it.
        epochs: what ``--epochs`` means for it.
        technique: what ``--technique`` means for it.
    """
    parser = OptionParser(magic)
    add = parser.add_argument
    add(
        "--data",
        type=goal_values.data,
        metavar="X,Y",
        help="what accuracy is measured with: inputs and labels, such as x_val,y_val, and sample weights if there are "
        "any; inputs alone, on which candidates are compared with the original; or a data set. Any expression will do, "
        "in quotes where it has blanks",
    )
    add("--train", type=goal_values.data, metavar="X,Y", help=train)
    add("--epochs", type=goal_values.epochs, metavar="N", help=epochs)
    add(
        "--temperature",
        type=goal_values.temperature,
        metavar="T",
        help="by which the original's answers are softened where they are learned (3); the higher, the more its second "
        "choices count",
    )
    add(
        "--features",
        type=goal_values.features,
        metavar="TEACHER:STUDENT,...",
        help="layers of the original, and for each the layer of student() that learns what it makes, such as "
        "conv_5:conv_2; answers alone if left out",
    )
    add(
        "--metric",
        metavar="NAME",
        help="what accuracy is: a metric of Keras or scikit-learn by its name, or a variable or expression that gives "
        "a function of labels and predictions (the metric that the model was compiled with)",
    )
    add(
        "--max-drop",
        type=goal_values.drop,
        default=0.01,
        metavar="SHARE",
        help="how much accuracy may be lost: 1%%, 0.5%% or 0.01 (1%%)",
    )
    add(
        "--for",
        type=goal_values.target,
        default="latency",
        dest="target",
        metavar="|".join(goal_values.TARGETS),
        help="what is to be as good as possible (latency)",
    )
    add("--batch-size", type=goal_values.batch_size, default=1, metavar="N", help="samples per inference (1)")
    shared_options.add_device(parser)
    shared_options.add_threads(parser, "several are tried")
    add("--max-size", type=goal_values.megabytes, metavar="SIZE", help="bound on the file: 800kB, 5MB or 1GB")
    add(
        "--max-memory",
        type=goal_values.megabytes,
        metavar="SIZE",
        help="bound on the peak memory of the process that runs the model: 500MB or 1GB",
    )
    add(
        "--budget",
        type=goal_values.budget,
        default=300.0,
        metavar="TIME",
        help="how long the search may take: 90s, 5m or 1h (5m)",
    )
    add("--technique", type=values.techniques, action="append", metavar="NAME,...", help=technique)
    shared_options.add_runtime(parser)
    add(
        "--exclude",
        type=goal_values.left_out,
        action="append",
        metavar="NAME,...",
        help="techniques and runtimes to leave out; may be repeated",
    )
    shared_options.add_input_shape(parser)
    shared_options.add_into(parser, "the best model")
    shared_options.add_seed(parser, "the split of the data, made-up inputs and the order of turns")
    shared_options.add_quiet(parser)
    return parser


_PARSER = build(
    "optimize",
    train="what models that were changed are trained with, such as x_train,y_train, or a data set: channels are "
    "removed, and what is left learns again, as far as accuracy allows. Other samples than those of --data",
    epochs="of one training at most (10); the budget may end it before",
    technique="try these only, such as float16,post_training_static (Tab lists them); may be repeated; all that fit "
    "the model if left out",
)
OPTIONS = _PARSER.options
"""The options in the order of the documentation."""


def parse(line: str) -> OptimizeOptions:
    """Read a line of ``%optimize``.

    Raises:
        OptionError: one line on what is wrong and how to mend it.
    """
    return read(_PARSER, line)


def read(parser: OptionParser, line: str) -> OptimizeOptions:
    """Read a magic line.

    Args:
        parser: that ``build`` made.
        line: of its magic.

    Raises:
        OptionError: one line on what is wrong and how to mend it.
    """
    found, names = parser.read(line)
    _check_one(names, has_data=found.data is not None)
    exclude = each_once(found.exclude) or ()
    return OptimizeOptions(
        name=next(iter(names), None),
        data=found.data,
        train=found.train,
        epochs=found.epochs,
        temperature=found.temperature,
        features=found.features or (),
        metric=found.metric,
        max_drop=found.max_drop,
        target=cast("Target", found.target),
        batch_size=found.batch_size,
        device=found.device,
        threads=found.threads,
        max_size_mb=found.max_size,
        max_memory_mb=found.max_memory,
        budget_s=found.budget,
        techniques=_without(exclude, each_once(found.technique), "--technique"),
        runtimes=_without(exclude, each_once(found.runtime), "--runtime"),
        exclude=exclude,
        input_shapes=found.input_shape,
        seed=found.seed,
        into=found.into,
        quiet=found.quiet,
    )


def _check_one(names: tuple[str, ...], *, has_data: bool) -> None:
    if len(names) > 1:
        hint = ", and write --data without blanks, as in --data x_val,y_val" if has_data else ""
        raise OptionError(f"one model at a time: the line names {', '.join(names)}; leave one{hint}")


def _without(exclude: tuple[str, ...], asked: tuple[str, ...] | None, option: str) -> tuple[str, ...] | None:
    """Take what is excluded out of what is asked for."""
    if asked is None:
        return None
    left = tuple(name for name in asked if name not in exclude)
    if not left:
        raise OptionError(f"--exclude leaves nothing of {option} {','.join(asked)}; name others, or exclude less")
    return left
