"""Totals of well-known models agree with what their authors state, and with TensorFlow's own counter."""

from __future__ import annotations

import functools

import keras
import pytest
import tensorflow as tf
from counted import counted

#: Name of the model, its multiply-adds in billions for one image, and who states them. All of these count
#: multiply-adds of convolutions and matrix products, whatever they call them.
PUBLISHED = {
    "MobileNet": (0.569, "Howard et al. 2017, table 4"),
    "MobileNetV2": (0.300, "Sandler et al. 2018, table 4"),
    "EfficientNetB0": (0.39, "Tan and Le 2019, table 2"),
    "ResNet50": (3.8, "He et al. 2016, table 1: with the stride in the first 1x1 convolution, as in Keras's v1"),
    "VGG16": (15.47, "torchvision, vgg16; He et al. 2016 round to 15.3"),
    "VGG19": (19.6, "He et al. 2016, section 4.1"),
    "InceptionV3": (5.72, "Zoph et al. 2018, table 2"),
    "Xception": (8.38, "Zoph et al. 2018, table 2"),
    "NASNetMobile": (0.564, "Zoph et al. 2018, table 3: NASNet-A (4 @ 1056)"),
    "DenseNet121": (2.834, "torchvision, densenet121"),
    "ConvNeXtTiny": (4.456, "torchvision, convnext_tiny"),
}


@functools.cache
def application(name):
    return getattr(keras.applications, name)(weights=None)


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    yield
    application.cache_clear()
    keras.backend.clear_session()


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_multiply_adds(name):
    model = application(name)
    count = counted(model)
    assert count.macs / 1e9 == pytest.approx(PUBLISHED[name][0], rel=0.02)
    assert count.params == model.count_params()
    assert not count.uncounted
    assert {row.layer for row in count.layers} >= _names(model)


def _names(model):
    """Name the layers, those in Sequential models inside too (ConvNeXt has some)."""
    found = set()
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= {f"{layer.name}/{each}" for each in _names(layer)}
        elif not isinstance(layer, keras.layers.InputLayer):
            found.add(layer.name)
    return found


@pytest.mark.parametrize(
    "name",
    [
        *("MobileNet", "MobileNetV2", "EfficientNetB0"),
        *(pytest.param(name, marks=pytest.mark.extended) for name in ("Xception", "DenseNet121")),
    ],
)
def test_flops_are_those_of_the_counter_in_tensorflow(name):
    model = application(name)
    assert counted(model).flops == pytest.approx(_flops_of_tensorflow(model), rel=0.02)


def _flops_of_tensorflow(model):
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    from tensorflow.python.profiler.model_analyzer import profile
    from tensorflow.python.profiler.option_builder import ProfileOptionBuilder

    spec = tf.TensorSpec((1, *model.input_shape[1:]), model.inputs[0].dtype)
    function = tf.function(lambda images: model(images, training=False)).get_concrete_function(spec)
    frozen = convert_variables_to_constants_v2(function)
    graph = tf.Graph()
    with graph.as_default():
        tf.graph_util.import_graph_def(frozen.graph.as_graph_def(), name="")
    options = ProfileOptionBuilder.float_operation() | {"output": "none"}
    return profile(graph, options=options).total_float_ops


def test_flops_of_a_batch_grow_with_it_and_weights_do_not():
    one, four = (counted(application("MobileNetV2"), batch_size) for batch_size in (1, 4))
    assert four.flops == 4 * one.flops
    assert four.macs == 4 * one.macs
    assert four.weight_bytes == one.weight_bytes
    assert four.kernels == one.kernels
    assert four.depth == one.depth
    assert four.activation_bytes == 4 * one.activation_bytes
    for few, many in zip(one.layers, four.layers, strict=True):
        assert many.bytes_read - many.weight_bytes == 4 * (few.bytes_read - few.weight_bytes)
        assert many.bytes_written == 4 * few.bytes_written
