from __future__ import annotations

from inferspeed_magic.explanation.layers import timed_layers
from inferspeed_magic.records import LayerCount, ModelCount, OperatorProfile, OperatorTime


def counted(name, macs=1000):
    return LayerCount(name, "Dense", 10, macs, 2 * macs, 40, 100, 100, 1)


def operator(name, time_ns, *origins):
    return OperatorTime(name, "MatMul", (time_ns,) * 8, 1, origins or (name,))


def times(root, *operators, layers=("first", "dense", "third")):
    count = ModelCount("m", 1, tuple(counted(name) for name in layers))
    plain = sum(each.latencies_ns[0] for each in operators)
    profile = OperatorProfile("onnxruntime", operators, (plain,) * 8, (plain,) * 8)
    found, overhead = timed_layers(profile, count, None, "float32", root)
    return {each.layer: each.time_us for each in found}, overhead


def test_a_model_may_be_called_like_one_of_its_layers():
    found, _ = times(
        "dense",
        operator("dense/first/MatMul", 1000),
        operator("dense/dense/MatMul", 2000),
        operator("dense/third/MatMul", 3000),
    )
    assert found == {"first": 1.0, "dense": 2.0, "third": 3.0}


def test_operators_outside_of_the_model_still_find_their_layer():
    found, _ = times("model", operator("dense/MatMul", 2000))
    assert found == {"dense": 2.0}


def test_what_no_layer_made_is_said_to_be_unmapped():
    found, overhead = times("model", operator("model/first/MatMul", 1000), operator("Mystery", 3000))
    assert found == {"first": 1.0}
    assert overhead.unmapped_share == 0.75
