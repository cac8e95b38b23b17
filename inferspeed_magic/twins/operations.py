"""Operations between layers (``x + y``, ``keras.ops.mean(x)``) as layers of tf_keras, or as functions of TensorFlow.

What has a layer becomes that layer, as older libraries know layers. The rest are functions of TensorFlow called on
tensors of tf_keras, which keeps them in its graph by their names: a twin with them can be copied and saved.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.twins.activations import named
from inferspeed_magic.twins.paths import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: Element by element, of two tensors of one shape.
_MERGES = MappingProxyType(
    {"Add": "add", "Subtract": "subtract", "Multiply": "multiply", "Maximum": "maximum", "Minimum": "minimum"}
)
_OF_TWO = MappingProxyType(
    {**_MERGES, "Divide": "divide", "TrueDivide": "divide", "Power": "pow", "Mod": "floormod", "Matmul": "matmul"}
)
_COMPARISONS = MappingProxyType(
    {
        "Equal": "equal",
        "NotEqual": "not_equal",
        "Greater": "greater",
        "GreaterEqual": "greater_equal",
        "Less": "less",
        "LessEqual": "less_equal",
        "LogicalAnd": "logical_and",
        "LogicalOr": "logical_or",
    }
)
#: Functions of ``tf.math`` of one tensor.
_OF_ONE = MappingProxyType(
    {
        "Absolute": "abs",
        "Abs": "abs",
        "Negative": "negative",
        "Square": "square",
        "Sqrt": "sqrt",
        "Exp": "exp",
        "Log": "log",
        "Log1p": "log1p",
        "Expm1": "expm1",
        "Rsqrt": "rsqrt",
        "Erf": "erf",
        "Sin": "sin",
        "Cos": "cos",
        "Floor": "floor",
        "Ceil": "ceil",
        "Sign": "sign",
        "Reciprocal": "reciprocal",
        "LogicalNot": "logical_not",
        "Arctan": "atan",
    }
)
_ACTIVATIONS = MappingProxyType(
    {
        "Sigmoid": "sigmoid",
        "Tanh": "tanh",
        "Softplus": "softplus",
        "Softsign": "softsign",
        "Silu": "silu",
        "Selu": "selu",
        "HardSigmoid": "hard_sigmoid",
        "HardSilu": "hard_silu",
        "LogSigmoid": "log_sigmoid",
        "HardTanh": "hard_tanh",
    }
)
_REDUCTIONS = MappingProxyType(
    {
        "Mean": "reduce_mean",
        "Sum": "reduce_sum",
        "Max": "reduce_max",
        "Min": "reduce_min",
        "Prod": "reduce_prod",
        "Var": "reduce_variance",
        "Std": "reduce_std",
        "Any": "reduce_any",
        "All": "reduce_all",
        "Logsumexp": "reduce_logsumexp",
    }
)


class Operations:
    """Calls the counterparts of operations.

    Args:
        keras: the library.
        tf_keras: the other one.
    """

    def __init__(self, keras: Any, tf_keras: Any) -> None:
        self._keras, self._tf_keras = keras, tf_keras
        self._layers: dict[str, int] = {}

    def call(self, operation: Any, values: Sequence[Any], options: dict[str, Any], node: Any) -> Any:
        """Call what does the same.

        Args:
            operation: of Keras 3.
            values: that it is called with, tensors of tf_keras among them.
            options: the same by keyword.
            node: the call.

        Raises:
            UnsupportedError: for operations that are not in these tables.
        """
        kind = type(operation).__name__
        if not type(operation).__module__.startswith("keras."):
            raise UnsupportedError(f"the operation {operation.name} ({kind}) is of your own making")
        given = [*values, *options.values()]
        rule = self._rule(kind)
        if rule is None:
            raise UnsupportedError(
                f"the operation {operation.name} (keras.ops, {kind}) in the model's graph is none that can be rebuilt "
                "in tf_keras"
            )
        if kind not in _KEEP_TYPES:
            given = [self._cast(each, str(node.outputs[0].dtype)) for each in given]
        elif kind in _COMPARISONS:
            types = [each.dtype.name for each in given if self._is_tensor(each)]
            if len(set(types)) > 1:
                given = [self._cast(each, self._keras.backend.result_type(*types)) for each in given]
        return rule(operation, *given)

    def _rule(self, kind: str) -> Callable[..., Any] | None:
        import tensorflow as tf

        if kind in _OF_TWO:
            return lambda operation, one, other: self._of_two(kind, operation, one, other)
        if kind in _COMPARISONS:
            return lambda _, one, other: getattr(tf.math, _COMPARISONS[kind])(one, other)
        if kind in _OF_ONE:
            return lambda _, x: getattr(tf.math, _OF_ONE[kind])(x)
        if kind in _REDUCTIONS:
            return lambda operation, x: getattr(tf.math, _REDUCTIONS[kind])(
                x, axis=_axis(operation.axis), keepdims=operation.keepdims
            )
        if kind in _ACTIVATIONS:
            return lambda operation, x: self._activation(operation, _ACTIVATIONS[kind])(x)
        return self._others().get(kind)

    def _of_two(self, kind: str, operation: Any, one: Any, other: Any) -> Any:
        import tensorflow as tf

        alike = self._is_tensor(one) and self._is_tensor(other) and one.shape.as_list() == other.shape.as_list()
        if kind in _MERGES and alike:
            layer = getattr(self._tf_keras.layers, kind)(name=self._name(operation), dtype=one.dtype.name)
            return layer([one, other])
        if not self._is_tensor(one):  # copies of a twin lose what comes before the first tensor
            if kind == "Subtract":
                return tf.math.add(tf.math.negative(other), one)
            if kind in ("Divide", "TrueDivide"):
                return tf.math.multiply(tf.math.reciprocal(other), one)
            if kind in _MERGES:
                one, other = other, one
        return getattr(tf if kind == "Matmul" else tf.math, _OF_TWO[kind])(one, other)

    def _activation(self, operation: Any, name: str) -> Any:
        return self._tf_keras.layers.Activation(named(name, operation.name), name=self._name(operation))

    def _others(self) -> Mapping[str, Callable[..., Any]]:
        import tensorflow as tf

        layers, name = self._tf_keras.layers, self._name
        return {
            "Relu": lambda op, x: layers.ReLU(name=name(op))(x),
            "Relu6": lambda op, x: layers.ReLU(6.0, name=name(op))(x),
            "LeakyRelu": lambda op, x: layers.LeakyReLU(op.negative_slope, name=name(op))(x),
            "Elu": lambda op, x: layers.ELU(op.alpha, name=name(op))(x),
            "Gelu": lambda op, x: tf.nn.gelu(x, approximate=op.approximate),
            "Softmax": lambda op, x: layers.Softmax(op.axis, name=name(op))(x),
            "LogSoftmax": lambda op, x: tf.nn.log_softmax(x, axis=op.axis),
            "Concatenate": lambda op, xs: layers.Concatenate(op.axis, name=name(op))(list(xs)),
            "Stack": lambda op, xs: tf.stack(list(xs), axis=op.axis),
            "Reshape": lambda op, x: tf.reshape(x, _sizes(op.newshape)),
            "Transpose": lambda op, x: tf.transpose(x, perm=op.axes),
            "Swapaxes": lambda op, x: tf.transpose(x, perm=_swapped(len(x.shape), op.axis1, op.axis2)),
            "ExpandDims": lambda op, x: tf.expand_dims(x, op.axis),
            "Squeeze": lambda op, x: tf.squeeze(x, axis=op.axis),
            "BroadcastTo": lambda op, x: tf.broadcast_to(x, _sizes(op.shape)),
            "GetItem": lambda op, x, key: x[tuple(key) if isinstance(key, list) else key],  # noqa: ARG005
            "Einsum": lambda op, *xs: tf.einsum(op.subscripts, *xs),
            "Clip": lambda op, x: tf.clip_by_value(x, op.x_min, op.x_max),
            "Cast": lambda op, x: tf.cast(x, op.dtype),
            "Where": lambda op, condition, one, other: tf.where(condition, one, other),  # noqa: ARG005
            "Argmax": lambda op, x: _placed(tf.argmax(x, axis=op.axis, output_type=tf.int32), op, tf),
            "Argmin": lambda op, x: _placed(tf.argmin(x, axis=op.axis, output_type=tf.int32), op, tf),
            "ZerosLike": lambda op, x: tf.zeros_like(x, dtype=op.dtype),
            "OnesLike": lambda op, x: tf.ones_like(x, dtype=op.dtype),
            "Tile": lambda op, x: tf.tile(x, op.repeats),
            "Flip": lambda op, x: tf.reverse(x, [op.axis] if isinstance(op.axis, int) else list(op.axis)),
            "Cumsum": lambda op, x: tf.cumsum(x, axis=op.axis),
            "Pad": lambda op, x, *_: tf.pad(x, op.pad_width, mode=op.mode.upper()),
            "Split": lambda op, x: tf.split(x, op.indices_or_sections, axis=op.axis),
            "Take": lambda op, x, places: tf.gather(x, places, axis=op.axis),
            "Repeat": lambda op, x: tf.repeat(x, op.repeats, axis=op.axis),
            "StopGradient": lambda op, x: tf.stop_gradient(x),  # noqa: ARG005
            "Identity": lambda op, x: tf.identity(x),  # noqa: ARG005
        }

    def _cast(self, value: Any, dtype: str) -> Any:
        """Give a tensor the type that Keras 3 computes in: it mixes types, which TensorFlow does not."""
        import tensorflow as tf

        if isinstance(value, list | tuple):
            return [self._cast(each, dtype) for each in value]
        if self._is_tensor(value):
            return value if value.dtype.name == dtype else tf.cast(value, dtype)
        return value.astype(dtype) if isinstance(value, np.ndarray | np.generic) else value

    def _is_tensor(self, value: Any) -> bool:
        return hasattr(value, "_keras_history")  # constants have none

    def _name(self, operation: Any) -> str:
        """Name the layer of an operation, of which each call makes one."""
        stem = f"{clean(operation.name)}_op"
        self._layers[stem] = self._layers.get(stem, 0) + 1
        return stem if self._layers[stem] == 1 else f"{stem}_{self._layers[stem] - 1}"


#: Those whose inputs have other types than what comes out.
_KEEP_TYPES = frozenset(
    {*_COMPARISONS, "Cast", "Where", "Argmax", "Argmin", "Take", "GetItem", "ZerosLike", "OnesLike"}
)


def _axis(axis: Any) -> Any:
    return list(axis) if isinstance(axis, tuple | list) else axis


def _sizes(shape: Sequence[int | None]) -> list[int]:
    return [-1 if size is None else int(size) for size in shape]


def _swapped(rank: int, one: int, other: int) -> list[int]:
    order = list(range(rank))
    order[one], order[other] = order[other], order[one]
    return order


def _placed(found: Any, operation: Any, tf: Any) -> Any:
    return tf.expand_dims(found, operation.axis) if operation.keepdims else found
