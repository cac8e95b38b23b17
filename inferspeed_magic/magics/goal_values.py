"""Values of the options that say what is to be reached: text in, checked value out."""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError
from difflib import get_close_matches

from inferspeed_magic.magics.values import pieces, whole

TARGETS = ("latency", "throughput", "size", "memory")

_SECONDS: dict[str, float] = {"s": 1, "m": 60, "min": 60, "h": 3600}
_BYTES: dict[str, float] = {"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def target(text: str) -> str:
    """One of the words for what is to be as good as possible."""
    if text not in TARGETS:
        raise ArgumentTypeError(f"{text!r} is nothing to optimize for; give {', '.join(TARGETS[:-1])} or {TARGETS[-1]}")
    return text


def drop(text: str) -> float:
    """``1%`` or ``0.01``: a share from 0, below 1."""
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = math.nan
    if 1 <= number < 100 and not text.endswith("%"):  # noqa: PLR2004  (a percentage whose sign was forgotten)
        raise ArgumentTypeError(f"{text!r} would allow any drop; give {text}% for per cent, or a share such as 0.01")
    if not 0 <= number < 1:
        raise ArgumentTypeError(
            f"{text!r} does not do; give what may be lost, from 0 and below 100%, such as 1% or 0.01"
        )
    return number


def budget(text: str) -> float:
    """Seconds in ``5m``, ``90s``, ``1h`` or ``300``."""
    return _with_unit(text, _SECONDS, "s", "a time above 0, such as 90s, 5m, 1h, or 300 for seconds")


def megabytes(text: str) -> float:
    """Megabytes (10^6 bytes) in ``5MB``, ``800kB``, ``1.5GB`` or ``5``."""
    return _with_unit(text, _BYTES, "mb", "a size above 0, such as 800kB, 5MB, 1.5GB, or 5 for megabytes") / 1e6


def batch_size(text: str) -> int:
    """One batch size."""
    return whole(text, 1, "one whole number from 1, such as 8")


def epochs(text: str) -> int:
    """How often training sees all samples."""
    return whole(text, 1, "one whole number from 1, such as 5")


def temperature(text: str) -> float:
    """By which answers are softened."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ArgumentTypeError(f"{text!r} does not do; give a number above 0, such as 3")
    return number


def features(text: str) -> tuple[tuple[str, str], ...]:
    """Layers of the teacher and of the student, as in ``conv_5:conv_2``."""
    found: list[tuple[str, str]] = []
    for pair in pieces(text, "pairs of layers, such as conv_5:conv_2"):
        taught, _, learned = pair.partition(":")
        if not taught or not learned:
            raise ArgumentTypeError(
                f"{pair!r} is no pair; give a layer of the teacher and one of the student, such as conv_5:conv_2"
            )
        if taught in dict(found):
            raise ArgumentTypeError(f"{text!r} names the teacher's layer {taught} twice; give one layer for it")
        found.append((taught, learned))
    return tuple(found)


def left_out(text: str) -> tuple[str, ...]:
    """Names of techniques and runtimes; a family such as ``keras`` stands for all ``keras.*``."""
    from inferspeed_magic.discovery import runtime_names, techniques

    runtimes, wanted = runtime_names(), []
    known = (*techniques(), *runtimes)
    for name in pieces(text, "names of techniques and runtimes, such as int16x8,openvino"):
        family = [each for each in runtimes if each.startswith(f"{name}.")]
        if name not in known and not family:
            close = get_close_matches(name.lower(), known, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise ArgumentTypeError(
                f"there is no technique and no runtime {name!r}; {hint}known are keras, {', '.join(known)}"
            )
        wanted += [name] if name in known else family
    return tuple(dict.fromkeys(wanted))


def data(text: str) -> str:
    """``x_val,y_val``. Of ``x_val, y_val`` without quotes, only the first piece would arrive."""
    if not text.strip(" ,") or text.endswith(",") or text.startswith(","):
        raise ArgumentTypeError(
            f"{text!r} has an empty place; give inputs and labels such as x_val,y_val, without blanks or in quotes"
        )
    return text


def _with_unit(text: str, units: dict[str, float], usual: str, mend: str) -> float:
    """Read a number above 0 and multiply it by its unit, the ``usual`` one where none is written."""
    parts = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*", text, re.IGNORECASE)
    amount = float(parts[1]) * units.get(parts[2].lower() or usual, math.nan) if parts else math.nan
    if not 0 < amount < math.inf:
        raise ArgumentTypeError(f"{text!r} does not do; give {mend}")
    return amount
