"""How many steps a loop takes, where its graph tells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.counting.flat_graph import LOOP_VARIABLE, Tensor
from inferspeed_magic.counting.kinds import VIEWS
from inferspeed_magic.counting.known import is_view, through_views

if TYPE_CHECKING:
    from collections.abc import Callable

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "FloorDiv": np.floor_divide,
    "RealDiv": np.divide,
    "Ceil": np.ceil,
    "Floor": np.floor,
    "Minimum": np.minimum,
    "Maximum": np.maximum,
    "Min": lambda value, _: np.min(value),
    "Max": lambda value, _: np.max(value),
    "Prod": lambda value, _: np.prod(value),
    "Pack": lambda *values: np.stack(values),
    "Cast": np.asarray,
    "LogicalAnd": np.logical_and,
    "LogicalOr": np.logical_or,
    "LogicalNot": np.logical_not,
    "Less": np.less,
    "LessEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Equal": np.equal,
    "NotEqual": np.not_equal,
    "Select": np.where,
    "SelectV2": np.where,
}
_ASCENDING, _DESCENDING = {"Less": 0, "LessEqual": 1}, {"Greater": 0, "GreaterEqual": 1}


def known_value(tensor: Tensor) -> Any:
    """Return the value of a scalar or small vector that depends on shapes and constants alone; None of others."""
    node = tensor.maker
    if node is None or node.value is not None:
        return None if node is None else node.value
    if is_view(node):
        value = known_value(node.inputs[tensor.position if node.kind == "IdentityN" else 0])
        return None if value is None else _as_shaped(value, tensor)
    if node.kind in {"Shape", "ShapeN"}:
        shape = node.inputs[tensor.position].shape
        return None if shape is None or None in shape else np.asarray(shape)
    function = _FUNCTIONS.get(node.kind)
    values = [known_value(each) for each in node.inputs]
    if any(value is None for value in values):
        return None
    if node.kind == "StridedSlice":
        return _element(values[0], values[1], tensor)
    return function(*values) if function else None


def _as_shaped(value: Any, tensor: Tensor) -> Any:
    shape = tensor.shape
    return np.reshape(value, shape) if shape is not None and None not in shape else None


def _element(vector: Any, begin: Any, tensor: Tensor) -> Any:
    """Take one element of a vector, as from a shape."""
    if tensor.shape != () or np.ndim(vector) != 1:
        return None
    return np.asarray(vector)[int(np.ravel(begin)[0])]


def trip_count(condition: Tensor) -> int | None:
    """Count the steps of a loop.

    Args:
        condition: under which it goes on, as it depends on its variables.

    Returns:
        The number of steps until a variable that grows (or shrinks) by the same in each reaches its limit; the smallest
        where several have one; None where nothing of that kind is found.
    """
    node = condition.maker
    if node is None:
        return None
    if node.kind in VIEWS:
        return trip_count(node.inputs[0])
    if node.kind == "LogicalAnd":
        found = [count for count in map(trip_count, node.inputs) if count is not None]
        return min(found, default=None)
    if node.kind in _ASCENDING:
        first, second = node.inputs
        rising = _steps(first, second, _ASCENDING[node.kind], 1)
        return rising if rising is not None else _steps(second, first, _ASCENDING[node.kind], -1)
    if node.kind in _DESCENDING:
        first, second = node.inputs
        falling = _steps(first, second, _DESCENDING[node.kind], -1)
        return falling if falling is not None else _steps(second, first, _DESCENDING[node.kind], 1)
    return None


def _steps(counter: Tensor, limit: Tensor, inclusive: int, direction: int) -> int | None:
    variable = through_views(counter).maker
    if variable is None or variable.kind != LOOP_VARIABLE or variable.back is None:
        return None
    begin, end, step = known_value(variable.inputs[0]), known_value(limit), _growth(variable.back, variable.outputs[0])
    if begin is None or end is None or step is None or step * direction <= 0:
        return None
    distance = (float(end) - float(begin)) * direction
    return max(0, math.floor(distance / abs(step)) + 1 if inclusive else math.ceil(distance / abs(step)))


def _growth(after: Tensor, before: Tensor) -> float | None:
    """Return what a step adds to a variable."""
    node = through_views(after).maker
    if node is None or node.kind not in {"Add", "AddV2", "Sub"}:
        return None
    first, second = node.inputs
    if through_views(first) is before:
        step = known_value(second)
        return None if step is None else float(step) * (-1 if node.kind == "Sub" else 1)
    if through_views(second) is before and node.kind != "Sub":
        step = known_value(first)
        return None if step is None else float(step)
    return None
