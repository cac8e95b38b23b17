"""What a ``%profile_model`` line asks for."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, NoReturn, cast

from inferspeed_magic.errors import OptionError
from inferspeed_magic.magics import line as magic_line
from inferspeed_magic.magics import values

if TYPE_CHECKING:
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


class _Parser(argparse.ArgumentParser):
    """Argparse would end the process for a mistake, which in a notebook is a page of traceback."""

    def error(self, message: str) -> NoReturn:
        text = message.removeprefix("argument ")
        text = text.replace(": expected one argument", " needs a value; %profile_model? shows examples")
        raise OptionError(text.replace(": ignored explicit argument", " takes no value; leave out"))


def _build() -> tuple[_Parser, tuple[argparse.Action, ...]]:
    # Abbreviations would change their meaning with every option that is added later.
    parser = _Parser(prog="%profile_model", add_help=False, allow_abbrev=False)
    add = parser.add_argument
    return parser, (
        add(
            "--runtime",
            type=values.runtimes,
            action="append",
            metavar="NAME,...",
            help="where to run: keras.predict, keras.call, keras.compiled, keras.xla, litert, onnxruntime, openvino, "
            "or keras for all ways of calling Keras; may be repeated; all that are installed if left out (%%inferspeed "
            "lists them)",
        ),
        add("--batch-size", type=values.batch_sizes, default=(1,), metavar="N,...", help="samples per inference (1)"),
        add("--device", type=values.device, default="cpu", metavar="cpu|gpu|gpu:N", help="where to compute (cpu)"),
        add(
            "--input",
            metavar="VAR",
            help="real inputs: a variable or expression that gives an array, or a list or dict of arrays for several "
            "inputs; random ones are made up if left out",
        ),
        add(
            "--input-shape",
            type=values.input_shapes,
            metavar="N,...",
            help="shape of one sample where the model leaves it open; '10;28,28,1' for two inputs",
        ),
        add(
            "--scenario",
            type=values.scenario,
            default="single_stream",
            metavar="single_stream|offline|server",
            help="how inferences arrive: one after the other for latency, for throughput, or at random times "
            "(single_stream)",
        ),
        add("--target-qps", type=values.rate, metavar="RATE", help="server: inferences per second that arrive"),
        add(
            "--latency-slo-ms",
            type=values.milliseconds,
            metavar="MS",
            help="server: find the highest rate whose p99 latency stays under this bound",
        ),
        add(
            "--threads",
            type=values.threads,
            metavar="N",
            help="threads for one inference (all cores that this process may use)",
        ),
        add(
            "--duration",
            type=values.seconds,
            default=1.0,
            metavar="SECONDS",
            help="how long to time each result: 2, 0.5, 2s or 500ms (1)",
        ),
        add(
            "--baseline",
            metavar="MODEL/RUNTIME",
            help="what speed-ups refer to; a model or a runtime alone will do (the first result)",
        ),
        add(
            "--batch-in-file",
            type=values.batch_in_file,
            default="best",
            metavar="best|static|dynamic",
            help="files made for one batch size, files that take any, or whichever is faster (best)",
        ),
        add(
            "--technique",
            type=values.techniques,
            action="append",
            metavar="NAME,...",
            help="also measure what these make of the model: float16, int16x8, post_training_dynamic, "
            "post_training_static, weight_only_int4, weight_only_int8; may be repeated",
        ),
        add("--into", type=values.variable, metavar="VAR", help="also assign the report to this variable"),
        add(
            "--seed",
            type=values.seed,
            default=0,
            metavar="N",
            help="seeds the made-up inputs, the order of turns and the arrivals (0)",
        ),
        add("--quiet", action="store_true", help="show no progress, only the report"),
    )


_PARSER, OPTIONS = _build()
"""The options in the order of the documentation."""


def parse(line: str) -> ProfileOptions:
    """Read a magic line.

    Raises:
        OptionError: one line on what is wrong and how to mend it.
    """
    words = _bind_negative_values(magic_line.split(line))
    # The parser knows no positional arguments: those it leaves over are the names, wherever they stand.
    found, names = _PARSER.parse_known_args(words)
    for name in names:
        if name.startswith("-"):
            raise OptionError(_unknown(name))
    _check_server(found)
    return ProfileOptions(
        names=tuple(dict.fromkeys(names)),
        runtimes=tuple(dict.fromkeys(chain.from_iterable(found.runtime))) if found.runtime else None,
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
        techniques=tuple(dict.fromkeys(chain.from_iterable(found.technique))) if found.technique else (),
    )


def _bind_negative_values(words: list[str]) -> list[str]:
    """Write ``--duration -1s`` as ``--duration=-1s``: argparse would take the value for an option."""
    bound: list[str] = []
    for word in words:
        if bound and re.match(r"-\.?\d", word) and re.fullmatch(r"--[a-z-]+", bound[-1]):
            bound[-1] += f"={word}"
        else:
            bound.append(word)
    return bound


def _unknown(word: str) -> str:
    option = word.partition("=")[0]
    known = [name for action in OPTIONS for name in action.option_strings]
    close = get_close_matches(f"--{option.strip('-').replace('_', '-')}", known, n=1)
    mend = f"did you mean {close[0]}?" if close else "%profile_model? lists the options"
    return f"there is no option {option}; {mend}"


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
