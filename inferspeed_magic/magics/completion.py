"""Tab on the lines of the magics that work on models."""

from __future__ import annotations

import re
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from inferspeed_magic.magics.distill_options import OPTIONS as DISTILL_OPTIONS
from inferspeed_magic.magics.explain_options import OPTIONS as EXPLAIN_OPTIONS
from inferspeed_magic.magics.goal_values import TARGETS
from inferspeed_magic.magics.models import models_in
from inferspeed_magic.magics.optimize_options import OPTIONS as OPTIMIZE_OPTIONS
from inferspeed_magic.magics.options import OPTIONS as PROFILE_OPTIONS
from inferspeed_magic.magics.values import BATCHES_IN_FILE, SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable

_OPTIONS = {
    "profile_model": PROFILE_OPTIONS,
    "optimize": OPTIMIZE_OPTIONS,
    "distill": DISTILL_OPTIONS,
    "explain_latency": EXPLAIN_OPTIONS,
}
#: Options whose values are lists, with commas between.
_LISTS = ("--runtime", "--technique", "--exclude", "--data", "--train")
_WELL_KNOWN_METRICS = (
    "accuracy",
    "f1_score",
    "roc_auc_score",
    "mean_absolute_error",
    "mean_squared_error",
    "r2_score",
)
_MATCHER, _MARK = "inferspeed_magic", "matcher_identifier"
_ASSIGNMENT = r"[\w\s,.\[\]\"']+=\s*"
# Without a percent sign the name may be a variable, of which `optimize = ...` tells.
_LINE = re.compile(
    rf"\s*(?:(?:{_ASSIGNMENT})?%{{1,2}}|(?=\w+\s+[^=\s]))(?P<magic>{'|'.join(_OPTIONS)})\s(?P<arguments>.*)", re.DOTALL
)


def install(ipython: Any) -> None:
    """Complete options, runtimes, models and variables."""
    try:
        matcher = _matcher(ipython)
    except ImportError:  # before IPython 8.6
        for magic in _OPTIONS:
            for key in ({"str_key": f"%{magic}"}, {"str_key": f"%%{magic}"}, {"re_key": rf"{_ASSIGNMENT}%{magic}"}):
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
    options = _OPTIONS[line["magic"]]
    words = re.split(r"\s+", line["arguments"])
    word = words.pop()
    option, equals, value = word.partition("=")
    if not equals:
        option, value = (words[-1] if words else ""), word
    if word.startswith("-") and not equals:
        fitting = [name for action in options for name in action.option_strings]
        piece = word
    elif option in _CHOICES:
        piece = value.rpartition(",")[2] if option in _LISTS else value
        fitting = _CHOICES[option](shell)
    elif any(option in action.option_strings and action.nargs != 0 for action in options):
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


def _excluded(shell: Any) -> list[str]:
    return [*_techniques(shell), *_runtimes(shell)]


def _inputs(shell: Any) -> list[str]:
    """Variables that could hold inputs: no modules, functions, classes or models."""
    mine = {name: value for name, value in shell.user_ns.items() if name not in shell.user_ns_hidden}
    barred = {name for name, value in mine.items() if isinstance(value, (type, FunctionType, ModuleType))}
    return [name for name in mine if not name.startswith("_") and name not in barred | set(models_in(mine))]


def _metrics(shell: Any) -> list[str]:
    """Offer the user's own functions, and names that are asked for often."""
    mine = [
        name
        for name, value in shell.user_ns.items()
        if isinstance(value, FunctionType) and name not in shell.user_ns_hidden and not name.startswith("_")
    ]
    return [*mine, *(name for name in _WELL_KNOWN_METRICS if name not in mine)]


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
    "--data": _inputs,
    "--train": _inputs,
    "--metric": _metrics,
    "--for": lambda _shell: list(TARGETS),
    "--exclude": _excluded,
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
