"""A Keras model as a graph of TensorFlow with constant weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.optimized.recipe_parts.script import INPUTS, NAMES, infer

if TYPE_CHECKING:
    from pathlib import Path


def freeze(model: Any, batch_size: int | None) -> Any:
    """Trace the model in inference mode and turn its variables into constants; None as the batch size is any."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    specs = [
        tf.TensorSpec((batch_size, *each["shape"]), each["dtype"], name=name)
        for name, each in zip(NAMES, INPUTS, strict=True)
    ]

    def answer(*arrays: Any) -> list[Any]:
        outputs = infer(model, arrays)
        return [tf.identity(value, name=f"im_out_{position:03d}_") for position, value in enumerate(outputs)]

    traced = tf.function(answer, input_signature=specs, autograph=False).get_concrete_function()
    return convert_variables_to_constants_v2(traced, lower_control_flow=False)


def save(frozen: Any, folder: Path) -> None:
    """Write the graph as a SavedModel, whose signature names inputs and outputs."""
    import tensorflow as tf

    def serve(**named: Any) -> dict[str, Any]:
        outputs = tf.nest.flatten(frozen(*[named[name] for name in NAMES]))
        return {f"im_out_{position:03d}_": value for position, value in enumerate(outputs)}

    specs = {
        name: tf.TensorSpec(each.shape, each.dtype, name=name) for name, each in zip(NAMES, frozen.inputs, strict=True)
    }
    signature = tf.function(serve, autograph=False).get_concrete_function(**specs)
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(tf.Module(), str(folder), signatures=signature, options=options)
