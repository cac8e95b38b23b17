"""The twin of a Keras 3 model: the same layers and weights in tf_keras, and the same outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from inferspeed_magic.errors import ModelError, UnsupportedError
from inferspeed_magic.formats.agreement import TOLERANCES, relative_error
from inferspeed_magic.sources.inputs import made_up, with_shapes
from inferspeed_magic.sources.live import begun_anew, describe
from inferspeed_magic.sources.structure import pack
from inferspeed_magic.twins.building import Building
from inferspeed_magic.twins.graphs import is_graph
from inferspeed_magic.twins.paths import matched

#: What outputs may differ by, relative to their largest value: the same operators of one library do the work.
_MOST = 1e-5
#: Other backends than TensorFlow have operators of their own, which round otherwise.
_MOST_ELSEWHERE = 1e-3
_SAMPLES = 2
#: Tried in turn where a model leaves sizes open.
_SIZES = (32, 128)


def twin(model: Any) -> Any:
    """Rebuild a Keras 3 model in tf_keras (Keras 2), which tensorflow-model-optimization and others ask for.

    The twin has the same layers, of the same names, with the same weights; it is made sure that its outputs are the
    same on made-up inputs. It is not compiled, and has no initializers, regularizers and constraints. ``untwin`` brings
    weights that were changed back.

    Args:
        model: a Sequential or functional model of Keras 3, built; models inside of it, shared layers, several inputs
            and outputs may all be there, and operations such as ``x + y``.

    Returns:
        A functional model of tf_keras.

    Raises:
        ModelError: naming the layer that tf_keras does not have: a custom one, or a subclassed model.
    """
    try:
        return rebuild(model)
    except UnsupportedError as error:
        raise ModelError(f"this model has no twin in tf_keras: {error}") from error


def untwin(twin: Any, model: Any) -> Any:
    """Bring a twin's weights back.

    Args:
        twin: of a model, or what was made of it with the same layers by the same names.
        model: the Keras 3 model; it is not changed.

    Returns:
        A copy of the model with the weights of the twin.

    Raises:
        ModelError: for a model that is not the twin's.
    """
    import keras

    if not is_graph(model, keras):
        raise ModelError("this is no Sequential or functional model of Keras 3, so it has no twin")
    copy = _copy(model, keras)
    try:
        hand_over(twin, copy)
    except UnsupportedError as error:
        raise ModelError(f"the twin is not one of this model: {error}") from error
    return copy


def rebuild(model: Any, *, flat: bool = False) -> Any:
    """Rebuild a model as ``twin`` does.

    Args:
        model: of Keras 3.
        flat: whether layers of models inside the model become the twin's own, as quantization needs it.

    Raises:
        UnsupportedError: naming what tf_keras does not have.
    """
    import keras

    if not is_graph(model, keras):
        raise UnsupportedError(
            "only built Sequential and functional models of Keras 3 can be rebuilt in tf_keras: of a subclassed one "
            "only its own code knows how layers are connected"
        )
    try:
        made = Building(model, flat=flat).model(model, model.name)
    except UnsupportedError:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise UnsupportedError(f"tf_keras does not build {model.name} as Keras 3 does: {reason}") from error
    for layer, counterpart in matched(model, made, keras):
        _fill(counterpart, [each.numpy() for each in layer.weights], layer)
    _make_sure(model, made, keras)
    return made


def hand_over(twin: Any, model: Any) -> None:
    """Give a Keras 3 model the weights of its twin.

    Raises:
        UnsupportedError: where their layers are not the same.
    """
    import keras

    try:
        pairs = [(layer, made) for layer, made in matched(model, twin, keras) if made.weights]
    except KeyError as error:
        raise UnsupportedError(f"it has no layer {error.args[0]}") from error
    for layer, made in pairs:
        arrays = made.get_weights()
        if [array.shape for array in arrays] != [tuple(each.shape) for each in layer.weights]:
            raise UnsupportedError(f"the weights of the layer {layer.name} have other shapes")
        layer.set_weights(arrays)


def _copy(model: Any, keras: Any) -> Any:
    """Copy a model; layers that are shared, by models inside the model too, stay shared."""
    copies: dict[int, Any] = {}
    pairs: list[tuple[Any, Any]] = []

    def copied(layer: Any) -> Any:
        if not isinstance(layer, keras.layers.Layer):
            return layer  # operations have nothing of their own
        if id(layer) not in copies:
            if is_graph(layer, keras):
                copies[id(layer)] = keras.models.clone_model(layer, clone_function=copied)
            else:
                copies[id(layer)] = type(layer).from_config(layer.get_config())
                pairs.append((layer, copies[id(layer)]))
        return copies[id(layer)]

    made = keras.models.clone_model(model, clone_function=copied)
    for layer, copy in pairs:
        copy.set_weights(layer.get_weights())
        if type(copy).__name__ == "Normalization":
            copy.finalize_state()
    return made


def _fill(made: Any, arrays: list[Any], layer: Any) -> None:
    """Copy weights; what is known to a layer of tf_keras by its configuration has none there."""
    if [tuple(each.shape) for each in made.weights] == [array.shape for array in arrays]:
        made.set_weights(arrays)
    elif made.weights:
        raise UnsupportedError(f"the weights of the layer {layer.name} ({type(layer).__name__}) are others in tf_keras")


def _make_sure(model: Any, made: Any, keras: Any) -> None:
    """Compare outputs.

    Raises:
        UnsupportedError: where they differ, or nobody can say.
    """
    found = describe(model.name, model)
    if found is None:
        raise UnsupportedError(f"the model {model.name} does not say what its inputs are")
    signature, template = found
    error = None
    for size in _SIZES:
        shapes = [[size if each is None else each for each in spec.shape] for spec in signature.inputs]
        batch = signature.fixed_batch or _SAMPLES
        for positive in (False, True):
            try:
                arrays = made_up(with_shapes(model.name, signature, shapes), batch, seed=0, positive=positive)
                expected = _outputs(model, pack(template, arrays), keras)
            except Exception as raised:  # noqa: BLE001  (too small a picture for so many layers, and the like)
                error = raised
                continue
            if all(np.isfinite(each).all() for each in expected if each.dtype.kind == "f"):
                _compare(made, arrays, expected, model, keras)
                return
    raise UnsupportedError(
        f"nobody can say whether a twin of {model.name} is the same: on made-up inputs the model itself "
        + (f"fails ({str(error).partition(chr(10))[0]})" if error else "gives no finite numbers")
    )


def _compare(made: Any, arrays: list[Any], expected: list[Any], model: Any, keras: Any) -> None:
    import tensorflow as tf

    given = tf.nest.pack_sequence_as(made._nested_inputs, arrays)  # noqa: SLF001  (nowhere public)
    with begun_anew(made):
        seen = [np.asarray(each) for each in tf.nest.flatten(made(given, training=False))]
    most = _MOST if keras.backend.backend() == "tensorflow" else _MOST_ELSEWHERE
    policies = {layer.compute_dtype for layer in model._flatten_layers()}  # noqa: SLF001  (layers inside layers, too)
    most = max([most, *(TOLERANCES[each] for each in policies if each in ("float16", "bfloat16"))])
    error = relative_error(seen, expected)
    if not error <= most:
        raise UnsupportedError(f"the outputs of a twin of {model.name} in tf_keras differ by {error:.1e}")


def _outputs(model: Any, inputs: Any, keras: Any) -> list[Any]:
    with begun_anew(model):
        outputs = keras.tree.flatten(model(inputs, training=False))
    return [np.asarray(keras.ops.convert_to_numpy(each)) for each in outputs]
