"""Train a Keras model's twin with the rounding of int8 in it, and convert it to LiteRT.

Source: B. Jacob and others, "Quantization and training of neural networks for efficient integer-arithmetic-only
inference", 2017, https://arxiv.org/abs/1712.05877;
https://www.tensorflow.org/model_optimization/guide/quantization/training .
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.formats.naming import input_name, output_name
from inferspeed_magic.formats.replacement import replaced
from inferspeed_magic.techniques.clusters import clustered
from inferspeed_magic.techniques.keras_folder import opened
from inferspeed_magic.techniques.kernels import FEWEST, kernels_of
from inferspeed_magic.techniques.masks import mask_of
from inferspeed_magic.techniques.twin_training import learn_in_tf_keras
from inferspeed_magic.training import read_lesson
from inferspeed_magic.twins import rebuild

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from inferspeed_magic.sources.portable import PortableModel

#: What has its place already needs smaller steps.
_RATE = 0.2
_SPARSITY, _CLUSTERS = 0.5, 16
#: Decay of the moving averages of ranges, which look back over one step in so many of those until then.
_FASTEST, _SLOWEST, _ONE_IN = 0.5, 0.999, 10
#: Activations that tfmot knows where to round.
_ACTIVATIONS = ("relu", "swish", "gelu", "relu6", "linear", "softmax", "sigmoid", "tanh")
#: Before a BatchNormalization that becomes one with them.
_FOLDED = ("Conv2D", "DepthwiseConv2D", "Dense")
#: Layers that tfmot takes apart first.
_SPLIT = ("SeparableConv2D",)


def train(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    preserve: str,
    lesson: str | None = None,
) -> None:
    """Train with int8 and write a LiteRT file; its inputs and outputs stay float.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model.
        target: file to write.
        batch_size: of the file; None for any.
        inputs: not used: the model has them.
        preserve: ``nothing``, ``zeros`` (half of each kernel's weights become zero first, and stay), ``clusters``
            (each kernel's weights become 16 distinct values first, and stay so few), or ``both``.
        lesson: folder of what to train with.

    Raises:
        UnsupportedError: for models that have no twin in tf_keras, without a lesson, and where tfmot quantizes nothing.
    """
    del state, inputs
    if lesson is None:
        raise UnsupportedError("quantization-aware training learns from samples: give it some to train with")
    found = opened(source)
    if found.library != "keras":
        raise UnsupportedError("quantization-aware training takes models of Keras 3, and this is one of tf_keras")
    teacher = opened(source).model
    _prepare(found.model, preserve)
    quantized = _quantized(rebuild(found.model, flat=True), preserve)
    taught = read_lesson(lesson)
    with _ranges_that_follow() as following:
        learn_in_tf_keras(
            quantized, teacher, taught, pack=found.pack, log_folder=lesson, callbacks=[following], rate=_RATE
        )
    if preserve in ("clusters", "both"):
        import tensorflow_model_optimization as tfmot

        quantized = tfmot.experimental.combine.strip_clustering_cqat(quantized)
    Path(target).write_bytes(_converted(quantized, found, batch_size))


@contextlib.contextmanager
def _ranges_that_follow() -> Iterator[Any]:
    """Let the ranges of activations move fast enough: they begin at -6 and 6, and tfmot's take thousands of steps.

    How many steps there will be nobody knows: time may end them, and so may a loss that falls no more. So the averages
    look back over a share of the steps done, and what they began with is forgotten whenever training stops.

    Yields:
        A callback of tf_keras that counts the steps.
    """
    import tensorflow as tf
    import tf_keras
    from tensorflow_model_optimization.python.core.quantization.keras import quant_ops

    decay = tf.Variable(_FASTEST, trainable=False)

    class Following(tf_keras.callbacks.Callback):  # type: ignore[misc]
        """Has the averages look back further with every step."""

        def on_train_begin(self, logs: Any = None) -> None:
            del logs
            self._done = 0

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            del batch, logs
            self._done += 1
            decay.assign(decay_after(self._done))

    def faster(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **options: original(*arguments, **{**options, "ema_decay": decay})

    with replaced(quant_ops, "MovingAvgQuantize", faster):
        yield Following()


def decay_after(steps: int) -> float:
    """Return the decay of moving averages after so many steps of training."""
    return min(_SLOWEST, max(_FASTEST, steps / (steps + _ONE_IN)))


def _prepare(model: Any, preserve: str) -> None:
    for _, variable in kernels_of(model) if preserve != "nothing" else ():
        values = np.array(variable.numpy())
        if preserve != "clusters":
            values = values * mask_of(values, _SPARSITY)
        if preserve != "zeros" and values.size >= FEWEST:
            left = values != 0
            # Zero is one of the values, where there are zeros.
            if left.any():
                values[left] = clustered(values[left], _CLUSTERS - (not left.all()))
        variable.assign(values)


def _quantized(twin: Any, preserve: str) -> Any:
    """Have tfmot round what it knows how to round; the other layers stay float.

    Raises:
        UnsupportedError: where it knows none of the layers.
    """
    import tensorflow_model_optimization as tfmot
    import tf_keras

    quantization, combine = tfmot.quantization.keras, tfmot.experimental.combine
    plain = quantization.default_8bit.Default8BitQuantizeRegistry()
    schemes = {
        "nothing": quantization.default_8bit.Default8BitQuantizeScheme,
        "zeros": combine.Default8BitPrunePreserveQuantizeScheme,
        "clusters": lambda: combine.Default8BitClusterPreserveQuantizeScheme(preserve_sparsity=False),
        "both": lambda: combine.Default8BitClusterPreserveQuantizeScheme(preserve_sparsity=True),
    }
    scheme = schemes[preserve]()
    registry = scheme.get_quantize_registry()
    of_scheme = registry.supports

    def supports(layer: Any) -> bool:
        """Say no where tfmot would say yes, and fail."""
        return bool(plain.supports(layer) and of_scheme(layer) and _rounds(layer))

    # It asks for layers before those that are quantized, too.
    registry.supports = supports
    scheme.get_quantize_registry = lambda: registry
    _keep_names_apart({layer.name for layer in twin.layers})
    wanted = {layer.name for layer in twin.layers if _known(layer, supports)}
    reason = ""
    while wanted:
        try:
            with quantization.quantize_scope():
                annotated = tf_keras.models.clone_model(
                    twin,
                    clone_function=lambda layer: (
                        quantization.quantize_annotate_layer(layer) if layer.name in wanted else layer
                    ),
                )
                quantized = quantization.quantize_apply(annotated, scheme)
        except (RuntimeError, ValueError, TypeError, KeyError) as error:
            reason = str(error).partition("\n")[0]
            named = [name for name in wanted if name in str(error)]
            if not named:
                raise UnsupportedError(f"tfmot does not quantize this model: {reason}") from error
            wanted.discard(max(named, key=len))
            continue
        return quantized
    raise UnsupportedError(f"tfmot knows how to quantize none of the layers{': ' + reason if reason else ''}")


def _keep_names_apart(names: set[str]) -> None:
    """Count tf_keras's names on beyond those of the twin: tfmot lets it name the layers that it puts in."""
    from tf_keras.src import backend

    for stem in ("conv2d", "depthwise_conv2d", "separable_conv2d", "quantize_layer"):
        numbers = [name.removeprefix(stem).strip("_") or "0" for name in names if name.startswith(stem)]
        highest = max((int(number) for number in numbers if number.isdigit()), default=-1)
        while int(backend.unique_object_name(stem, zero_based=True).removeprefix(stem).strip("_") or 0) < highest:
            pass


def _rounds(layer: Any) -> bool:
    """Tell whether tfmot knows a layer's activation."""
    activation = getattr(layer, "activation", None)
    # Its transforms have put classes of its own there.
    return activation is None or not hasattr(activation, "__name__") or activation.__name__ in _ACTIVATIONS


def _known(layer: Any, supports: Callable[[Any], bool]) -> bool:
    """Tell whether tfmot can round what a layer does."""
    kind = type(layer).__name__
    if len(layer.inbound_nodes) != 1:  # it is shared: its calls have different ranges
        return False
    if kind == "BatchNormalization":
        before = layer.inbound_nodes[0].inbound_layers
        before = before[0] if isinstance(before, list) else before
        return (
            type(before).__name__ in _FOLDED
            and before.activation.__name__ == "linear"
            and len(before.outbound_nodes) == 1
            and len(before.inbound_nodes) == 1
        )
    if kind in _SPLIT:
        return True
    return supports(layer)


def _converted(model: Any, found: PortableModel, batch_size: int | None) -> bytes:
    """Convert by way of a SavedModel whose weights are constants, with named inputs and outputs."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    specs = found.specs(batch_size, input_name)

    def infer(*flat: Any) -> list[Any]:
        return [tf.identity(each) for each in tf.nest.flatten(model(found.pack(flat), training=False))]

    traced = tf.function(infer, input_signature=specs, autograph=False).get_concrete_function()
    frozen = convert_variables_to_constants_v2(traced, lower_control_flow=False)

    def serve(**named: Any) -> dict[str, Any]:
        outputs = frozen(*[named[spec.name] for spec in specs])
        flat = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        return {output_name(position): value for position, value in enumerate(flat)}

    function = tf.function(serve, autograph=False).get_concrete_function(**{spec.name: spec for spec in specs})
    with tempfile.TemporaryDirectory() as folder:
        # Nobody trains what is frozen, and some gradients of activations cannot be saved.
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(tf.Module(), folder, signatures=function, options=options)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        made: bytes = converter.convert()
    details = tf.lite.Interpreter(model_content=made).get_tensor_details()
    if not any(each["dtype"] in (np.int8, np.uint8) and len(each["shape"]) > 0 for each in details):
        raise UnsupportedError("quantization-aware training left no weight in int8")
    return made
