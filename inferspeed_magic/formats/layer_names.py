"""Which Keras layer an operator of a converted file belongs to, read off the operator's name.

TensorFlow names operators by the layers they are traced in, and makes each name unique with a number at its end:
``functional_1/multi_head_attention_1/query_1/MatMul`` is the layer ``query`` of ``multi_head_attention``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBER = re.compile(r"_\d+$")


def layer_of(operator: str, layers: Iterable[str]) -> str | None:
    """Name the layer that an operator was traced in.

    Args:
        operator: its name in the file; runtimes may have put something before or after it.
        layers: names of all layers of the model, those inside layers too.

    Returns:
        The layer's path of names, ``encoder/dense``; None for an operator that no layer made.
    """
    known = set(layers)
    parts = [_NUMBER.sub("", part) for part in re.split(r"[/;:]", operator)]
    return "/".join(part for part in parts if part in known) or None
