"""Activation functions of Keras 3 as tf_keras knows them: under its own name, or written here where it lacks one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Those that mean the same in both, and what tf_keras calls them.
_SAME = {
    **{name: name for name in ("elu", "exponential", "gelu", "linear", "mish", "relu", "selu", "sigmoid", "softmax")},
    **{name: name for name in ("softplus", "softsign", "tanh")},
    "silu": "swish",
}
_PACKAGE = "inferspeed_magic"


def relu6(x: Any) -> Any:
    """Cut values off at 0 and 6."""
    import tensorflow as tf

    return tf.nn.relu6(x)


def hard_sigmoid(x: Any) -> Any:
    """Compute Keras 3's straight-line sigmoid, relu6(x + 3) / 6; tf_keras's of this name is steeper."""
    import tensorflow as tf

    return tf.nn.relu6(x + 3.0) / 6.0


def hard_silu(x: Any) -> Any:
    """Multiply by the straight-line sigmoid."""
    return x * hard_sigmoid(x)


def leaky_relu(x: Any) -> Any:
    """Let a fifth of negative values through."""
    import tensorflow as tf

    return tf.nn.leaky_relu(x, 0.2)


def log_softmax(x: Any) -> Any:
    """Take the logarithm of a softmax over the last axis."""
    import tensorflow as tf

    return tf.nn.log_softmax(x, axis=-1)


def log_sigmoid(x: Any) -> Any:
    """Take the logarithm of a sigmoid."""
    import tensorflow as tf

    return tf.math.log_sigmoid(x)


def hard_tanh(x: Any) -> Any:
    """Cut values off at -1 and 1."""
    import tensorflow as tf

    return tf.clip_by_value(x, -1.0, 1.0)


def celu(x: Any) -> Any:
    """Let negative values fall exponentially to -1."""
    import tensorflow as tf

    return tf.nn.elu(x)  # the same, where alpha is 1


_OWN = {each.__name__: each for each in (relu6, hard_sigmoid, hard_silu, leaky_relu, log_softmax, log_sigmoid)}
_OWN |= {each.__name__: each for each in (hard_tanh, celu)}


def counterpart_of(activation: Any, owner: str) -> Callable[[Any], Any]:
    """Give what tf_keras computes the same with.

    Args:
        activation: a function of Keras 3's.
        owner: name of the layer, for the message.

    Raises:
        UnsupportedError: for functions of the user's own, and the few that tf_keras cannot express.
    """
    name = getattr(activation, "__name__", type(activation).__name__)
    if str(getattr(activation, "__module__", "")).partition(".")[0] != "keras" or not hasattr(activation, "__name__"):
        raise UnsupportedError(
            f"the layer {owner} has an activation of your own, {name}: tf_keras has none of this kind"
        )
    return named(name, owner)


def named(name: str, owner: str) -> Callable[[Any], Any]:
    """Give tf_keras's function for the name that Keras 3 has for one.

    Raises:
        UnsupportedError: for the few that tf_keras cannot express.
    """
    import tf_keras

    if name in _SAME:
        found: Callable[[Any], Any] = tf_keras.activations.get(_SAME[name])
        return found
    if name not in _OWN:
        raise UnsupportedError(f"the activation {name} of the layer {owner} is none that tf_keras has")
    own = _OWN[name]
    registered: Callable[[Any], Any] | None = tf_keras.saving.get_registered_object(f"{_PACKAGE}>{name}")
    if registered is None:  # so that copies and files of the twin find it
        registered = tf_keras.saving.register_keras_serializable(_PACKAGE)(own)
    return registered
