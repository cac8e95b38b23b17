"""What an ``%explain_latency`` line asks for."""

from __future__ import annotations

from dataclasses import dataclass

from inferspeed_magic.magics import goal_values, shared_options
from inferspeed_magic.magics.option_parser import OptionParser, each_once


@dataclass(frozen=True)
class ExplainOptions:
    """One line of ``%explain_latency``, checked as far as that goes without the user's variables.

    ``names`` and ``input`` are still text: what they mean is known after the cell has run.
    """

    names: tuple[str, ...]
    runtimes: tuple[str, ...] | None
    batch_size: int
    device: str
    input: str | None
    input_shapes: tuple[tuple[int, ...], ...] | None
    threads: int | None
    count_only: bool
    into: str | None
    seed: int
    quiet: bool


def _build() -> OptionParser:
    parser = OptionParser("explain_latency")
    add = parser.add_argument
    shared_options.add_runtime(parser)
    add("--batch-size", type=goal_values.batch_size, default=1, metavar="N", help="samples per inference (1)")
    shared_options.add_device(parser)
    shared_options.add_input(parser)
    shared_options.add_input_shape(parser)
    shared_options.add_threads(parser, "all cores that this process may use")
    add("--count-only", action="store_true", help="measure nothing: only count what every layer has to do")
    shared_options.add_into(parser, "the report")
    shared_options.add_seed(parser, "the made-up inputs and the order of turns")
    shared_options.add_quiet(parser)
    return parser


_PARSER = _build()
OPTIONS = _PARSER.options
"""The options in the order of the documentation."""


def parse(line: str) -> ExplainOptions:
    """Read a magic line.

    Raises:
        OptionError: one line on what is wrong and how to mend it.
    """
    found, names = _PARSER.read(line)
    return ExplainOptions(
        names=names,
        runtimes=each_once(found.runtime),
        batch_size=found.batch_size,
        device=found.device,
        input=found.input,
        input_shapes=found.input_shape,
        threads=found.threads,
        count_only=found.count_only,
        into=found.into,
        seed=found.seed,
        quiet=found.quiet,
    )
