"""What ``--metric`` means: a name that Keras or scikit-learn knows, or something of the user's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import InputError
from inferspeed_magic.magics import models

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def metric(text: str, namespace: Mapping[str, Any]) -> str | Callable[..., Any]:
    """Look up a metric.

    Args:
        text: as on the line: ``accuracy``, ``my_score``, ``keras.metrics.AUC()``.
        namespace: the user's variables.

    Returns:
        The user's own object where a variable of this name can be called or the expression gives something that can,
        otherwise the name.

    Raises:
        InputError: for an expression that cannot be evaluated, or whose value is no metric.
    """
    if re.fullmatch(r"[\w\s-]+", text):
        mine = namespace.get(text)
        # A score of this name from an earlier cell, `accuracy = 0.98`, must not hide the metric.
        return mine if callable(mine) else text
    value: str | Callable[..., Any] = models.evaluate(text, namespace, "--metric")
    if not callable(value) and not isinstance(value, str):
        raise InputError(
            f"--metric {text} is {models.kind(value)}, not a metric; give a name such as accuracy, or a function of "
            "labels and predictions"
        )
    return value
