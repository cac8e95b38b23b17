"""Options that several magics have, with the same words and the same meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.magics import values

if TYPE_CHECKING:
    from inferspeed_magic.magics.option_parser import OptionParser


def add_runtime(parser: OptionParser) -> None:
    """``--runtime``."""
    parser.add_argument(
        "--runtime",
        type=values.runtimes,
        action="append",
        metavar="NAME,...",
        help="where to run: keras.predict, keras.call, keras.compiled, keras.xla, litert, onnxruntime, openvino, "
        "or keras for all ways of calling Keras; may be repeated; all that are installed if left out (%%inferspeed "
        "lists them)",
    )


def add_device(parser: OptionParser) -> None:
    """``--device``."""
    parser.add_argument(
        "--device", type=values.device, default="cpu", metavar="cpu|gpu|gpu:N", help="where to compute (cpu)"
    )


def add_threads(parser: OptionParser, otherwise: str) -> None:
    """``--threads``; ``otherwise`` says what is done without it."""
    parser.add_argument("--threads", type=values.threads, metavar="N", help=f"threads for one inference ({otherwise})")


def add_input(parser: OptionParser) -> None:
    """``--input``."""
    parser.add_argument(
        "--input",
        metavar="VAR",
        help="real inputs: a variable or expression that gives an array, or a list or dict of arrays for several "
        "inputs; random ones are made up if left out",
    )


def add_input_shape(parser: OptionParser) -> None:
    """``--input-shape``."""
    parser.add_argument(
        "--input-shape",
        type=values.input_shapes,
        metavar="N,...",
        help="shape of one sample where the model leaves it open; '10;28,28,1' for two inputs",
    )


def add_seed(parser: OptionParser, what: str) -> None:
    """``--seed``, which seeds ``what``."""
    parser.add_argument("--seed", type=values.seed, default=0, metavar="N", help=f"seeds {what} (0)")


def add_into(parser: OptionParser, what: str) -> None:
    """``--into``, which assigns ``what``."""
    parser.add_argument("--into", type=values.variable, metavar="VAR", help=f"also assign {what} to this variable")


def add_quiet(parser: OptionParser) -> None:
    """``--quiet``."""
    parser.add_argument("--quiet", action="store_true", help="show no progress, only the report")
