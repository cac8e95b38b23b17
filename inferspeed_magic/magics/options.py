"""What a ``%profile_model`` line asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from inferspeed_magic.errors import OptionError
from inferspeed_magic.magics import shared_options, values
from inferspeed_magic.magics.option_parser import OptionParser, each_once

if TYPE_CHECKING:
    import argparse

    from inferspeed_magic.records.request import BatchInFile, Scenario


@dataclass(frozen=True)
class ProfileOptions:
    """One line of ``%profile_model``, checked as far as that goes without the user's variables.

    ``names`` and ``input`` are still text: what they mean is known after the cell has run.
    """

    names: tuple[str, ...]
    runtimes: tuple[str, ...] | None
    batch_sizes: tuple[int, ...]
    device: str
    input: str | None
    input_shapes: tuple[tuple[int, ...], ...] | None
    scenario: Scenario
    target_qps: float | None
    latency_slo_ms: float | None
    threads: int | None
    duration_s: float
    baseline: str | None
    into: str | None
    seed: int
    quiet: bool
    batch_in_file: BatchInFile
    techniques: tuple[str, ...] = ()


def _build() -> OptionParser:
    parser = OptionParser("profile_model")
    add = parser.add_argument
    shared_options.add_runtime(parser)
    add("--batch-size", type=values.batch_sizes, default=(1,), metavar="N,...", help="samples per inference (1)")
    shared_options.add_device(parser)
    shared_options.add_input(parser)
    shared_options.add_input_shape(parser)
    add(
        "--scenario",
        type=values.scenario,
        default="single_stream",
        metavar="single_stream|offline|server",
        help="how inferences arrive: one after the other for latency, for throughput, or at random times "
        "(single_stream)",
    )
    add("--target-qps", type=values.rate, metavar="RATE", help="server: inferences per second that arrive")
    add(
        "--latency-slo-ms",
        type=values.milliseconds,
        metavar="MS",
        help="server: find the highest rate whose p99 latency stays under this bound",
    )
    shared_options.add_threads(parser, "all cores that this process may use")
    add(
        "--duration",
        type=values.seconds,
        default=1.0,
        metavar="SECONDS",
        help="how long to time each result: 2, 0.5, 2s or 500ms (1)",
    )
    add(
        "--baseline",
        metavar="MODEL/RUNTIME",
        help="what speed-ups refer to; a model or a runtime alone will do (the first result)",
    )
    add(
        "--batch-in-file",
        type=values.batch_in_file,
        default="best",
        metavar="best|static|dynamic",
        help="files made for one batch size, files that take any, or whichever is faster (best)",
    )
    add(
        "--technique",
        type=values.techniques,
        action="append",
        metavar="NAME,...",
        help="also measure what these make of the model: float16, post_training_static ... (a name that is none lists "
        "all); may be repeated",
    )
    shared_options.add_into(parser, "the report")
    shared_options.add_seed(parser, "the made-up inputs, the order of turns and the arrivals")
    shared_options.add_quiet(parser)
    return parser


_PARSER = _build()
OPTIONS = _PARSER.options
"""The options in the order of the documentation."""


def parse(line: str) -> ProfileOptions:
    """Read a magic line.

    Raises:
        OptionError: one line on what is wrong and how to mend it.
    """
    found, names = _PARSER.read(line)
    _check_server(found)
    return ProfileOptions(
        names=names,
        runtimes=each_once(found.runtime),
        batch_sizes=found.batch_size,
        device=found.device,
        input=found.input,
        input_shapes=found.input_shape,
        scenario=cast("Scenario", found.scenario),
        target_qps=found.target_qps,
        latency_slo_ms=found.latency_slo_ms,
        threads=found.threads,
        duration_s=found.duration,
        baseline=found.baseline,
        into=found.into,
        seed=found.seed,
        quiet=found.quiet,
        batch_in_file=found.batch_in_file,
        techniques=each_once(found.technique) or (),
    )


def _check_server(found: argparse.Namespace) -> None:
    given = [
        option
        for option, value in (("--target-qps", found.target_qps), ("--latency-slo-ms", found.latency_slo_ms))
        if value is not None
    ]
    if found.scenario != "server" and given:
        raise OptionError(f"{given[0]} goes with --scenario server; add that, or leave {given[0]} out")
    if found.scenario == "server" and len(given) != 1:
        raise OptionError(
            "--scenario server needs one of --target-qps RATE (how many arrive per second) and --latency-slo-ms MS "
            "(find the highest rate that stays under it)" + (", not both" if given else "")
        )
