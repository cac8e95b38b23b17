"""Which operators of a file belong to a layer that is to stay in float."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def within(operator: str, excluded: Iterable[str]) -> bool:
    """Tell whether an operator is one of those named, or belongs to one of the layers named.

    Args:
        operator: its name in the file: scopes and a last part, ``functional/attention/query/Tensordot/MatMul``.
        excluded: names of operators, or paths of layers (``attention/query``): their scopes come in this order in the
            operator's name, with others around or between them (the model's, TensorFlow's, an operator that this one
            was fused from).
    """
    scopes = operator.strip("/").split("/")
    return any(_in_order(path.strip("/").split("/"), scopes) for path in excluded if path.strip("/"))


def _in_order(wanted: list[str], scopes: list[str]) -> bool:
    left = iter(scopes)
    return all(scope in left for scope in wanted)
