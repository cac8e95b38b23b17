"""The tf_keras layer that does what a Keras 3 layer does."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.twins.activations import counterpart_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: In configurations of Keras 3 alone, and without a meaning for a model that has its weights already. Regularizers and
#: constraints go, too: the twin learns without them.
_WITHOUT_MEANING = frozenset(
    {
        *("quantization_config", "autocast", "lora_rank", "lora_alpha", "seed", "data_format", "build_config"),
        *("zero_output_for_mask", "flash_attention", "fill_mode", "fill_value", "renorm_momentum", "batch_shape"),
    }
)
_ENDINGS = ("_initializer", "_regularizer", "_constraint")
_ACTIVATIONS = ("activation", "recurrent_activation")
#: Whose configurations hold arrays in a form of Keras 3's own.
_ARRAYS = ("scale", "offset")
#: What Keras 3 calls otherwise.
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}
#: Layers of Keras's that tf_keras has in a form that nobody could fill.
_REFUSED = {
    "Lambda": "it is code of your own",
    "StringLookup": "it looks up words",
    "IntegerLookup": "it looks up numbers",
    "TextVectorization": "it looks up words",
    "SpectralNormalization": "it keeps vectors beside its weights that tf_keras keeps in another order",
    "RNN": "its cells may be code of your own",
}


def counterpart(layer: Any, name: str, nested: Callable[[Any, str], Any]) -> Any:
    """Make the layer of tf_keras, without weights as yet.

    Args:
        layer: of Keras 3.
        name: of the new one.
        nested: makes the counterparts of layers and models inside of layers.

    Raises:
        UnsupportedError: where tf_keras has none.
    """
    import tf_keras

    kind = type(layer)
    there = _class_of(kind, layer.name)
    if getattr(layer, "quantization_mode", None) or getattr(layer, "lora_enabled", False):
        raise UnsupportedError(
            f"the layer {layer.name} is quantized, or has LoRA beside its weights: tf_keras has neither"
        )
    if kind.__name__ == "Bidirectional":
        return there(
            nested(layer.forward_layer, layer.forward_layer.name),
            merge_mode=layer.merge_mode,
            backward_layer=nested(layer.backward_layer, layer.backward_layer.name),
            name=name,
            dtype=layer.dtype_policy.name,
        )
    if kind.__name__ == "ActivityRegularization":  # a regularizer and nothing else
        return tf_keras.layers.Activation("linear", name=name, dtype=layer.dtype_policy.name)
    if kind.__name__ == "TimeDistributed":
        return there(nested(layer.layer, layer.layer.name), name=name, dtype=layer.dtype_policy.name)
    return there(**_arguments(layer, there), name=name)


def inner_pairs(layer: Any, made: Any) -> Iterator[tuple[Any, Any]]:
    """List the layers that have weights of their own in a layer, each with its counterpart; most often itself."""
    kind = type(layer).__name__
    if kind == "Bidirectional":
        yield layer.forward_layer, made.forward_layer
        yield layer.backward_layer, made.backward_layer
    elif kind == "TimeDistributed":
        yield layer.layer, made.layer
    else:
        yield layer, made


def _class_of(kind: Any, name: str) -> Any:
    import tf_keras

    home, own = str(kind.__module__), str(kind.__name__)
    if own in _REFUSED and home.startswith("keras."):
        raise UnsupportedError(f"the layer {name} ({own}) has no twin in tf_keras: {_REFUSED[own]}")
    found = None
    if home.startswith("keras.src.layers."):
        found = getattr(tf_keras.layers, own, None)
    elif home.startswith("keras.src.applications."):
        with_same = importlib.import_module(f"tf_{home}")
        found = getattr(with_same, own, None)
    elif not home.startswith("keras."):
        raise UnsupportedError(f"the layer {name} ({own}) is of your own making: tf_keras has no twin of it")
    if found is None:
        raise UnsupportedError(f"the layer {name} ({own}) is none that tf_keras has")
    return found


def _arguments(layer: Any, there: Any) -> dict[str, Any]:
    """Translate a configuration.

    Raises:
        UnsupportedError: for what matters and tf_keras does not have.
    """
    known = _parameters(there)
    renamed = _RENAMED.get(type(layer).__name__, {})
    found: dict[str, Any] = {"dtype": layer.dtype_policy.name, "trainable": layer.trainable}
    if getattr(layer, "zero_output_for_mask", False):
        found["zero_output_for_mask"] = True
    for key, value in layer.get_config().items():
        argument = renamed.get(key, key)
        if key in (*found, "name") or key.endswith(_ENDINGS) or (key in _WITHOUT_MEANING and argument not in known):
            continue
        if key in _ACTIVATIONS and argument in known:
            found[key] = counterpart_of(getattr(layer, key), layer.name)
        elif argument in known:
            found[argument] = _plain(getattr(layer, key) if key in _ARRAYS else value)
        elif value not in (None, False, 0, "", [], {}):
            raise UnsupportedError(
                f"the layer {layer.name} ({type(layer).__name__}) has {key}={value!r}, which tf_keras's has not"
            )
    if type(layer).__name__ == "Normalization":
        found |= _statistics(layer)
    if not isinstance(found.get("seed"), int):
        found.pop("seed", None)
    return found


def _statistics(layer: Any) -> dict[str, Any]:
    """Hand over what was adapted to data."""
    if layer.input_mean is not None:
        return {"mean": _plain(layer.input_mean), "variance": _plain(layer.input_variance)}
    mean, variance = (each.numpy() for each in (layer.adapt_mean, layer.adapt_variance))
    return {"mean": mean.tolist(), "variance": variance.tolist()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value


def _parameters(kind: Any) -> set[str]:
    """Name what a layer's constructor takes, along all classes that it hands arguments on to."""
    found: set[str] = set()
    for each in inspect.getmro(kind):
        if "__init__" not in vars(each):
            continue
        parameters = inspect.signature(vars(each)["__init__"]).parameters
        if each.__name__ in ("Layer", "Module", "BaseRandomLayer"):
            break
        found |= set(parameters) - {"self", "kwargs", "args"}
        if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
            break
    return found
