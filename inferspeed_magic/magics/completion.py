"""Tab on a ``%profile_model`` line."""

from __future__ import annotations

import re
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from inferspeed_magic.magics.models import models_in
from inferspeed_magic.magics.options import OPTIONS
from inferspeed_magic.magics.values import BATCHES_IN_FILE, SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable

_MAGIC = "profile_model"
_MATCHER, _MARK = "inferspeed_magic", "matcher_identifier"
_ASSIGNMENT = r"[\w\s,.\[\]\"']+=\s*"
_LINE = re.compile(rf"\s*(?:{_ASSIGNMENT})?%{{0,2}}{_MAGIC}\s(?P<arguments>.*)", re.DOTALL)


def install(ipython: Any) -> None:
    """Complete options, runtimes, models and variables."""
    try:
        matcher = _matcher(ipython)
    except ImportError:  # before IPython 8.6
        for key in ({"str_key": f"%{_MAGIC}"}, {"str_key": f"%%{_MAGIC}"}, {"re_key": rf"{_ASSIGNMENT}%{_MAGIC}"}):
            ipython.set_hook("complete_command", _hook, **key)
    else:
        others = [each for each in ipython.Completer.custom_matchers if getattr(each, _MARK, None) != _MATCHER]
        ipython.Completer.custom_matchers = [*others, matcher]  # one, also after %reload_ext


def complete(text: str, shell: Any) -> tuple[str, list[str]]:
    """Complete a line.

    Args:
        text: the line up to the cursor.
        shell: the user's IPython shell.

    Returns:
        The piece of the line that is being completed, and what it could become; nothing on lines of other magics.
    """
    line = _LINE.fullmatch(text)
    if line is None:
        return "", []
    words = re.split(r"\s+", line["arguments"])
    word = words.pop()
    option, equals, value = word.partition("=")
    if not equals:
        option, value = (words[-1] if words else ""), word
    if word.startswith("-") and not equals:
        fitting = [name for action in OPTIONS for name in action.option_strings]
        piece = word
    elif option in _CHOICES:
        piece = value.rpartition(",")[2] if option in ("--runtime", "--technique") else value
        fitting = _CHOICES[option](shell)
    elif any(option in action.option_strings and action.nargs != 0 for action in OPTIONS):
        return "", []  # a number or a new name: nothing to offer
    else:
        piece, fitting = word, list(models_in(shell.user_ns))
    return piece, [each for each in fitting if each.startswith(piece)]


def _techniques(_shell: Any) -> list[str]:
    from inferspeed_magic.discovery import techniques

    return list(techniques())


def _runtimes(_shell: Any) -> list[str]:
    from inferspeed_magic.discovery import runtime_names

    return ["keras", *runtime_names()]


def _inputs(shell: Any) -> list[str]:
    """Variables that could hold inputs: no modules, functions, classes or models."""
    mine = {name: value for name, value in shell.user_ns.items() if name not in shell.user_ns_hidden}
    barred = {name for name, value in mine.items() if isinstance(value, (type, FunctionType, ModuleType))}
    return [name for name in mine if not name.startswith("_") and name not in barred | set(models_in(mine))]


def _baselines(shell: Any) -> list[str]:
    runtimes = _runtimes(shell)[1:]
    models = list(models_in(shell.user_ns))
    return [*models, *runtimes, *(f"{model}/{runtime}" for model in models for runtime in runtimes)]


_CHOICES: dict[str, Callable[[Any], list[str]]] = {
    "--runtime": _runtimes,
    "--technique": _techniques,
    "--device": lambda _shell: ["cpu", "gpu", "gpu:0"],
    "--scenario": lambda _shell: list(SCENARIOS),
    "--batch-in-file": lambda _shell: list(BATCHES_IN_FILE),
    "--input": _inputs,
    "--baseline": _baselines,
}


def _hook(shell: Any, event: Any) -> list[str]:
    """Answer IPython's hook, which replaces ``event.symbol``: a shorter piece than ours, cut at ``:`` and the like."""
    piece, fitting = complete(event.text_until_cursor, shell)
    ahead = len(piece) - len(event.symbol)
    return [each[ahead:] for each in fitting]


def _matcher(shell: Any) -> Callable[[Any], Any]:
    """Answer IPython since 8.6. Unlike a hook, this keeps Jedi's Python names out of a line that is not Python."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier=_MATCHER)  # type: ignore[untyped-decorator]
    def match(context: Any) -> dict[str, Any]:
        piece, fitting = complete(context.text_until_cursor, shell)
        return {
            "completions": [SimpleCompletion(text=each, type="magic argument") for each in fitting],
            "matched_fragment": piece,
            "ordered": True,
            "suppress": True,
        }

    return match  # type: ignore[no-any-return]
