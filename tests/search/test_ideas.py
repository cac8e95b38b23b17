"""What is tried, in which order, and what is left out for which reason."""

from __future__ import annotations

from dataclasses import replace

import keras
import pytest
from keras import layers

from inferspeed_magic.discovery import runtime_names, techniques
from inferspeed_magic.measurement.machine import describe
from inferspeed_magic.search.ideas import MOST_GAINED, Idea, ideas, out_of_reach, sift
from inferspeed_magic.search.traits import Traits, traits
from inferspeed_magic.sources.source import from_model

EVERYTHING = ("none", *techniques())
SMALL = Traits(convolution_share=0.0, attention=False, weights_mb=1.0, cache_mb=32.0)


def names(found):
    return [idea.way for idea in found]


def reasons(left_out):
    return {what: one.reason for one in left_out for what in one.what.split(", ")}


def of(model):
    return traits(from_model("m", model, "keras", None, None), describe())


def test_the_model_as_it_is_comes_first_on_every_runtime():
    found = names(ideas(runtime_names(), EVERYTHING))
    assert set(found[: len(runtime_names())]) == set(runtime_names())
    assert found.index("litert") < found.index("keras.predict")
    assert len(set(found)) == len(found)


def test_techniques_meet_the_runtimes_that_they_have_steps_for():
    found = names(ideas(("litert", "onnxruntime"), ("none", "int16x8", "low_rank")))
    assert "litert+int16x8" in found
    assert "onnxruntime+int16x8" not in found
    assert {"litert+low_rank", "onnxruntime+low_rank"} <= set(found)


def test_storage_only_pays_for_size_and_where_weights_leave_the_cache():
    found = [Idea("openvino", "weight_only_int8")]
    _, left_out, _ = sift(found, "latency", SMALL)
    assert "stay in the 32 MB cache" in reasons(left_out)["openvino+weight_only_int8"]
    for target, known in (
        ("size", SMALL),
        ("latency", replace(SMALL, weights_mb=100.0)),
        ("latency", replace(SMALL, weights_mb=None, cache_mb=None)),
    ):
        kept, left_out, _ = sift(found, target, known)
        assert (kept, left_out) == (found, [])


def test_dynamic_int8_of_onnxruntime_is_for_dense_layers():
    idea = Idea("onnxruntime", "post_training_dynamic")
    assert sift([idea], "latency", SMALL)[0] == [idea]
    kept, left_out, _ = sift([idea], "latency", replace(SMALL, convolution_share=0.9))
    assert kept == []
    assert "90% of the multiply-accumulates are convolutions" in left_out[0].reason
    assert sift([Idea("litert", "post_training_dynamic")], "latency", replace(SMALL, convolution_share=0.9))[1] == []


def test_what_was_asked_for_by_name_is_tried():
    idea = Idea("litert", "int16x8")
    assert sift([idea], "latency", SMALL)[0] == []
    kept, left_out, traps = sift([idea], "latency", SMALL, ("int16x8",))
    assert (kept, left_out) == ([idea], [])
    (trap,) = traps
    assert trap.startswith("litert+int16x8: asked for, but LiteRT computes int16 activations with")
    assert "--for size" not in trap
    assert sift([Idea("keras.call")], "latency", SMALL, ("keras.call",))[2] == []
    assert "trained on" in sift([Idea("litert", "structured_pruning")], "latency", SMALL, ("structured_pruning",))[2][0]
    assert sift([Idea("keras.call")], "latency", SMALL, ("keras.call",))[0] == [Idea("keras.call")]
    # A runtime by name is no word on techniques.
    assert sift([Idea("litert", "float16")], "latency", SMALL, ("litert",))[0] == []


def test_the_same_reason_is_given_once():
    _, left_out, _ = sift([Idea("litert", "float16"), Idea("openvino", "float16")], "latency", SMALL)
    assert [one.what for one in left_out] == ["litert+float16, openvino+float16"]


def test_a_technique_cannot_make_up_for_a_runtime_that_is_far_behind():
    assert out_of_reach(Idea("openvino", "post_training_static"), 10.0, 1.0)
    assert out_of_reach(Idea("openvino", "post_training_static"), MOST_GAINED * 0.9, 1.0) is None
    assert out_of_reach(Idea("openvino"), 1000.0, 1.0) is None


def test_a_leader_on_the_same_runtime_shows_what_can_be_gained_there():
    idea = Idea("litert", "quantization_aware_training")
    assert out_of_reach(idea, 4.1, 1.0, "litert") is None
    assert out_of_reach(idea, 4.1, 1.0, "openvino") is not None


def test_traits_of_a_convolutional_and_of_a_dense_model():
    images = keras.Input((16, 16, 3))
    convolutional = keras.Model(images, layers.Dense(4)(layers.Flatten()(layers.Conv2D(32, 3)(images))))
    dense = keras.Sequential([keras.Input((100,)), layers.Dense(500), layers.Dense(10)])
    # 14 x 14 positions x 3 x 3 x 3 x 32 against 6272 x 4.
    assert of(convolutional).convolution_share == 169_344 / (169_344 + 25_088)
    assert of(dense).convolution_share == 0.0
    assert of(dense).weights_mb == 4 * (100 * 500 + 500 + 500 * 10 + 10) / 1e6


def test_traits_count_what_recurrent_and_attention_layers_multiply():
    steps = keras.Input((30, 8))
    x = layers.Conv1D(16, 5, padding="same")(steps)
    recurrent = keras.Model(steps, layers.Dense(4)(layers.Bidirectional(layers.GRU(64))(x)))
    convolved, each_way = 30 * 5 * 8 * 16, 30 * (16 * 192 + 64 * 192)
    expected = convolved / (convolved + 2 * each_way + 128 * 4)
    assert of(recurrent).convolution_share == pytest.approx(expected)
    each_frame = keras.Model(frames := keras.Input((3, 8, 8, 2)), layers.TimeDistributed(layers.Conv2D(4, 3))(frames))
    assert of(each_frame).convolution_share == 1.0
    attended = layers.MultiHeadAttention(2, 8)(x, x)
    share = of(keras.Model(steps, attended)).convolution_share
    assert share == pytest.approx(convolved / (convolved + 30 * 4 * 16 * 16))


def test_traits_do_not_guess_what_a_layer_of_the_users_does_with_convolutions():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Conv2D(3, 3, padding="same")

        def call(self, x):
            return x + self.inner(x)

    images = keras.Input((8, 8, 3))
    assert of(keras.Model(images, Block()(images))).convolution_share is None


def test_traits_know_attention_where_layers_say_what_they_do():
    rows = keras.Input((6, 8))
    assert of(keras.Model(rows, layers.MultiHeadAttention(2, 4)(rows, rows))).attention is True
    assert of(keras.Sequential([keras.Input((4,)), layers.Dense(2)])).attention is False

    class Own(layers.Layer):
        def call(self, x):
            return keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1)))

    assert of(keras.Model(rows, Own()(rows))).attention is None


def test_traits_of_a_model_whose_layers_are_not_known():
    class Subclassed(keras.Model):
        def call(self, x):
            return x * 2.0

    model = Subclassed()
    model(keras.ops.ones((1, 3)))
    found = traits(from_model("m", model, "keras", [[1.0, 2.0, 3.0]], None), describe())
    assert found.convolution_share is None
