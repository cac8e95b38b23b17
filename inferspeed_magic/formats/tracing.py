"""A model, traced in inference mode: the common stem of every format."""

from __future__ import annotations

import contextlib
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.formats.layer_names import named_after_layers
from inferspeed_magic.formats.naming import input_name, output_name
from inferspeed_magic.formats.plain_operators import plain_operators, plain_products
from inferspeed_magic.formats.replacement import replaced
from inferspeed_magic.sources.portable import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inferspeed_magic.sources.portable import PortableModel

#: A graph is a protocol buffer, which ends at 2 GB, and converters copy whatever is in it ten times; weights of models
#: beyond this stay out of it.
GRAPH_BYTES = 300_000_000


def model_of(state: dict[str, Any], source: str) -> PortableModel:
    """Read a portable model once per process.

    Raises:
        UnsupportedError: for a model that remembers its last call, which no file can.
    """
    models = state.setdefault("models", {})
    if source not in models:
        models[source] = read(source)
    model: PortableModel = models[source]
    keeping = [layer.name for layer in layers_of(model) if getattr(layer, "stateful", False) and hasattr(layer, "cell")]
    if keeping:
        raise UnsupportedError(
            f"the recurrent layer {keeping[0]} is stateful: it goes on where the last call ended, which a file cannot; "
            "build the model with stateful=False, or with its states as inputs and outputs"
        )
    return model


def trace(model: PortableModel, batch_size: int | None, *, constants: bool = False, apart: Sequence[Any] = ()) -> Any:
    """Trace a model into a concrete function of flat inputs, named by their position.

    Args:
        model: to trace.
        batch_size: None for any.
        constants: put the values of the weights into the graph, in place of variables (Keras 3 only).
        apart: variables that become inputs of the function, after the others (Keras 3 only).
    """
    import tensorflow as tf

    values = [(each, each.numpy()) for each in model.model.variables] if constants else []
    specs = model.specs(batch_size, input_name)
    weights = [
        tf.TensorSpec(each.shape, each.dtype, name=f"im_weights_{number:03d}_") for number, each in enumerate(apart)
    ]

    def infer(*flat: Any) -> list[Any]:
        known = [(variable, tf.constant(value)) for variable, value in values]
        given = list(zip(apart, flat[len(specs) :], strict=True))
        with _with_values([*known, *given]), _readable() if model.library == "keras" else nullcontext():
            outputs = model.flatten(model.call(model.pack(flat[: len(specs)])))
        return [tf.identity(value, name=output_name(position)) for position, value in enumerate(outputs)]

    return tf.function(infer, input_signature=[*specs, *weights], autograph=False).get_concrete_function()


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    with plain_operators(), named_after_layers():
        yield


@contextlib.contextmanager
def in_float32(model: PortableModel) -> Iterator[None]:
    """Have every layer compute in float32, whatever its policy says: for formats that lack operators for others."""
    if model.library != "keras":
        yield
        return
    import keras

    def single(original: Any) -> Any:
        def compute_dtype(policy: Any) -> str:
            dtype: str = original(policy)
            lowered = dtype in {"float16", "bfloat16", "float64"} and policy.quantization_mode is None
            return "float32" if lowered else dtype

        return compute_dtype

    # Not the policies of the layers: these belong to a model that another thread may be running.
    with replaced(keras.DTypePolicy, "compute_dtype", single), plain_products():
        yield


def layers_of(model: PortableModel) -> list[Any]:
    """List all layers of a Keras model, those inside layers too."""
    flatten = getattr(model.model, "_flatten_layers", None)
    return list(flatten()) if flatten else []


@contextlib.contextmanager
def _with_values(values: list[tuple[Any, Any]]) -> Iterator[None]:
    """Let Keras's variables stand for these tensors."""
    if not values:
        yield
        return
    import keras

    with keras.StatelessScope(state_mapping=values):
        yield
