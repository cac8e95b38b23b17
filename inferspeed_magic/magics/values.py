"""Values of options: text in, checked value out. A mistake says what would have been right."""

from __future__ import annotations

import keyword
import math
import re
from argparse import ArgumentTypeError
from difflib import get_close_matches

SCENARIOS = ("single_stream", "offline", "server")
BATCHES_IN_FILE = ("best", "static", "dynamic")


def runtimes(text: str) -> tuple[str, ...]:
    """``litert,onnxruntime``; a family such as ``keras`` stands for all ``keras.*``."""
    from inferspeed_magic.discovery import runtime_names

    known = runtime_names()
    wanted: list[str] = []
    for name in pieces(text, "names of runtimes, such as litert,onnxruntime"):
        family = [each for each in known if each.startswith(f"{name}.")]
        if name not in known and not family:
            close = get_close_matches(name.lower(), known, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise ArgumentTypeError(f"there is no runtime {name!r}; {hint}known are keras, {', '.join(known)}")
        wanted += [name] if name in known else family
    return tuple(dict.fromkeys(wanted))


def batch_sizes(text: str) -> tuple[int, ...]:
    """``1,8,32``."""
    mend = "whole numbers from 1, such as 1,8,32"
    return tuple(dict.fromkeys(whole(piece, 1, mend) for piece in pieces(text, mend)))


def input_shapes(text: str) -> tuple[tuple[int, ...], ...]:
    """``28,28,1``, or one shape for each input: ``10;28,28,1``. The batch dimension is left out."""
    mend = "sizes without the batch dimension, such as 28,28,1, and a ; in quotes between inputs: '10;28,28,1'"
    return tuple(
        tuple(whole(piece, 1, mend) for piece in pieces(shape.strip(" ()[]"), mend)) for shape in text.split(";")
    )


def device(text: str) -> str:
    """``cpu``, ``gpu`` or ``gpu:N``."""
    if not re.fullmatch(r"cpu|gpu(:\d+)?", text.lower()):
        raise ArgumentTypeError(f"{text!r} is no device; give cpu, gpu, or gpu:N where N counts from 0")
    return text.lower()


def scenario(text: str) -> str:
    """One of MLPerf's words."""
    if text not in SCENARIOS:
        raise ArgumentTypeError(f"{text!r} is no scenario; give {', '.join(SCENARIOS[:-1])} or {SCENARIOS[-1]}")
    return text


def batch_in_file(text: str) -> str:
    """Whether files are made for one batch size."""
    if text not in BATCHES_IN_FILE:
        raise ArgumentTypeError(f"{text!r} is no choice; give best, static or dynamic")
    return text


def techniques(text: str) -> tuple[str, ...]:
    """``float16,post_training_static``."""
    from inferspeed_magic.discovery import techniques as all_of_them

    known = tuple(all_of_them())
    wanted = pieces(text, "names of techniques, such as float16,post_training_static")
    for name in wanted:
        if name not in known:
            close = get_close_matches(name.lower(), known, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise ArgumentTypeError(f"there is no technique {name!r}; {hint}known are {', '.join(known)}")
    return tuple(dict.fromkeys(wanted))


def seconds(text: str) -> float:
    """``2``, ``0.5``, ``2s`` or ``500ms``."""
    unit = "ms" if text.endswith("ms") else "s"
    return _positive(text, "a time above 0, such as 2, 0.5, 2s or 500ms", unit) / (1000 if unit == "ms" else 1)


def rate(text: str) -> float:
    """Inferences per second."""
    return _positive(text, "inferences per second, above 0, such as 200")


def milliseconds(text: str) -> float:
    """Time in ms, whose unit may be written."""
    return _positive(text, "milliseconds, above 0, such as 20", "ms")


def threads(text: str) -> int:
    """How many threads."""
    return whole(text, 1, "a whole number from 1, such as 2")


def seed(text: str) -> int:
    """Where random numbers start; numpy takes no negative ones."""
    return whole(text, 0, "a whole number from 0, such as 42")


def variable(text: str) -> str:
    """Check that the name can be assigned."""
    if not text.isidentifier() or keyword.iskeyword(text):
        raise ArgumentTypeError(f"{text!r} cannot be the name of a variable; give one such as report")
    return text


def pieces(text: str, mend: str) -> list[str]:
    """Split at commas."""
    found = [piece.strip() for piece in text.split(",")]
    if "" in found:
        raise ArgumentTypeError(f"{text!r} has an empty place; give {mend}, with commas and no blanks between")
    return found


def whole(text: str, least: int, mend: str) -> int:
    """Read a whole number from ``least``."""
    if not re.fullmatch(r"-?\d{1,18}", text) or int(text) < least:
        raise ArgumentTypeError(f"{text!r} does not do; give {mend}")
    return int(text)


def _positive(text: str, mend: str, unit: str = "") -> float:
    try:
        number = float(text.removesuffix(unit))
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ArgumentTypeError(f"{text!r} does not do; give {mend}")
    return number
