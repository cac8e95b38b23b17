"""A magic line, split into words.

``shlex`` is not used: it takes the quotes out of ``models["a"]``, cuts ``x_val[:, 0]`` at the blank, ends a word at any
``#``, and eats the backslashes of a Windows path.
"""

from __future__ import annotations

import re

from inferspeed_magic.errors import OptionError

_PIECE = re.compile(
    r"""(?P<blank>\s+) | (?P<quoted>"[^"]*"|'[^']*') | (?P<quote>["']) | (?P<opening>[(\[{]) | (?P<closing>[)\]}])
      | (?P<text>[^\s"'()\[\]{}]+)""",
    re.VERBOSE,
)


def split(line: str) -> list[str]:
    """Split a magic line at blanks.

    Quotes group and disappear, as in a shell; inside brackets they are Python's and stay, and so do blanks. A ``#`` at
    the start of a word begins a comment, and a ``;`` at the end belongs to the notebook.

    Raises:
        OptionError: for a quote or bracket that is left open.
    """
    words: list[str] = []
    between, depth = True, 0
    for piece in _PIECE.finditer(line):
        kind, text = piece.lastgroup, piece.group()
        if between and text.startswith("#"):
            break
        if kind == "quote":
            raise OptionError(f"the line has an open {text}; close it, or write the name without it")
        if kind == "blank" and not depth:
            between = True
            continue
        if between:
            words.append("")
        between = False
        words[-1] += text[1:-1] if kind == "quoted" and not depth else text
        depth = max(0, depth + (kind == "opening") - (kind == "closing"))
    if depth:
        raise OptionError("the line has an open bracket; close it, or put the name of a file that has one in quotes")
    return _without_semicolon(words)


def _without_semicolon(words: list[str]) -> list[str]:
    """Leave out a final ``;``, by which people in notebooks ask for no output."""
    if words and words[-1].endswith(";"):
        last = words[-1].rstrip(";")
        return [*words[:-1], last] if last else words[:-1]
    return words
