"""The functions by which a cell of ``%%optimize`` or ``%%distill`` says what is good, what to learn and with what."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import InputError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

#: How each is called, and what it is for.
_FUNCTIONS = {
    "evaluate": (("predict",), "which returns a score of what predict(x) gives, higher is better"),
    "calibration": ((), "which yields inputs"),
    "fine_tune": (("model",), "which trains the model a little more"),
    "student": ((), "which returns a smaller model to train"),
    "students": ((), "which returns a dictionary from names to functions that return smaller models to train"),
}


def present(namespace: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Functions of these names; models that are called so (``student = keras.Sequential(...)``) are none."""
    from inferspeed_magic.sources import is_model

    return {
        name: namespace[name] for name in _FUNCTIONS if callable(namespace.get(name)) and not is_model(namespace[name])
    }


def defined(
    before: Mapping[str, Callable[..., Any]], after: Mapping[str, Callable[..., Any]], assigned: Iterable[str]
) -> dict[str, Callable[..., Any]]:
    """Pick the functions that a cell defined; those left from other cells are none of its business.

    Args:
        before: functions by name, before the cell ran.
        after: functions by name, after it.
        assigned: names that the cell's text assigns. They count even if the object is the same as before; a ``def``
            always makes another object.
    """
    return {
        name: function for name, function in after.items() if before.get(name) is not function or name in set(assigned)
    }


def check(functions: Mapping[str, Callable[..., Any]]) -> None:
    """Check that each can be called as it will be.

    Raises:
        InputError: one line that shows how to write it.
        OptionError: for two functions that say the same.
    """
    for name, function in functions.items():
        parameters, purpose = _FUNCTIONS[name]
        mend = f"write def {name}({', '.join(parameters)}): ..., {purpose}"
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise InputError(f"{name} is async, and nothing here awaits it; {mend}")
        if name == "evaluate" and inspect.isgeneratorfunction(function):
            raise InputError(f"evaluate yields, so that it returns no score; {mend}")
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):  # some functions written in C do not tell
            continue
        try:
            signature.bind(*parameters)
        except TypeError:
            given = ", ".join(signature.parameters)
            raise InputError(f"{name}({given}) cannot be called as {name}({', '.join(parameters)}); {mend}") from None
    if {"student", "students"} <= set(functions):
        raise OptionError("the cell defines both student() and students(); leave one of them out")


def arguments(functions: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    """Give functions as ``optimize`` takes them: students are asked for by name.

    Args:
        functions: by name, checked.
    """
    given: dict[str, Any] = dict(functions)
    if "students" in given:
        given["student"] = given.pop("students")()
        if given["student"] is None:
            raise OptionError(
                "students() returned nothing: return a dictionary from names to functions, or a list of these"
            )
    return given


def refuse_metric(metric: str | None, names: Collection[str]) -> None:
    """Refuse a metric beside an ``evaluate``: there would be two opinions on what accuracy is.

    Raises:
        OptionError: if both are there.
    """
    if metric is not None and "evaluate" in names:
        raise OptionError("the cell's evaluate(predict) is the measure of accuracy; leave out --metric, or evaluate")
