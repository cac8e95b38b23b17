"""Reads the words of a magic line; every mistake is one line that names the mend."""

from __future__ import annotations

import argparse
import re
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, NoReturn, TypeVar

from inferspeed_magic.errors import OptionError
from inferspeed_magic.magics import line as magic_line

if TYPE_CHECKING:
    from collections.abc import Iterable

Word = TypeVar("Word")


class OptionParser(argparse.ArgumentParser):
    """Argparse would end the process for a mistake, which in a notebook is a page of traceback.

    Args:
        magic: name of the magic, such as ``profile_model``.
    """

    def __init__(self, magic: str) -> None:
        # Abbreviations would change their meaning with every option that is added later.
        super().__init__(prog=f"%{magic}", add_help=False, allow_abbrev=False)

    @property
    def options(self) -> tuple[argparse.Action, ...]:
        """The options in the order of the documentation."""
        return tuple(self._actions)

    def read(self, line: str) -> tuple[argparse.Namespace, tuple[str, ...]]:
        """Read a magic line.

        Returns:
            The values of the options, and the names that stand between them, each once.

        Raises:
            OptionError: one line on what is wrong and how to mend it.
        """
        words = _bind_negative_values(magic_line.split(line))
        # The parser knows no positional arguments: those it leaves over are the names, wherever they stand.
        found, names = self.parse_known_args(words)
        for name in names:
            if name.startswith("-"):
                raise OptionError(self._unknown(name))
        return found, tuple(dict.fromkeys(names))

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print before it ends the process."""
        text = message.removeprefix("argument ")
        text = text.replace(": expected one argument", f" needs a value; {self.prog}? shows examples")
        raise OptionError(text.replace(": ignored explicit argument", " takes no value; leave out"))

    def _unknown(self, word: str) -> str:
        option = word.partition("=")[0]
        known = [name for action in self.options for name in action.option_strings]
        close = get_close_matches(f"--{option.strip('-').replace('_', '-')}", known, n=1)
        mend = f"did you mean {close[0]}?" if close else f"{self.prog}? lists the options"
        return f"there is no option {option}; {mend}"


def each_once(lists: Iterable[tuple[Word, ...]] | None) -> tuple[Word, ...] | None:
    """Join the values of an option that may be repeated; None where it was left out."""
    return None if lists is None else tuple(dict.fromkeys(chain.from_iterable(lists)))


def _bind_negative_values(words: list[str]) -> list[str]:
    """Write ``--duration -1s`` as ``--duration=-1s``: argparse would take the value for an option."""
    bound: list[str] = []
    for word in words:
        if bound and re.match(r"-\.?\d", word) and re.fullmatch(r"--[a-z-]+", bound[-1]):
            bound[-1] += f"={word}"
        else:
            bound.append(word)
    return bound
