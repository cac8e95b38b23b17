"""What ONNX Runtime made of a file leads back to it: graphs by hand, and what it really does to them."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from inferspeed_magic.formats.onnx_fusion import origins, read
from inferspeed_magic.formats.operator_graph import Node, OperatorGraph


def graph(*nodes, **constants):
    """Build nodes from (name, kind, inputs, output)."""
    made = [Node(name, kind, tuple(read_here.split()), (output,)) for name, kind, read_here, output in nodes]
    return OperatorGraph(tuple(made), constants)


CHAIN = graph(
    ("conv/Conv", "Conv", "x conv/k", "conv:0"),
    ("bn/Mul", "Mul", "conv:0 bn/g", "bn:0"),
    ("relu/Relu", "Relu", "bn:0", "relu:0"),
    ("dense/MatMul", "MatMul", "relu:0 dense/w", "y"),
    **{"conv/k": (4, 3, 3, 3), "bn/g": (4,), "dense/w": (9, 5)},
)


def test_what_lies_between_two_tensors_went_into_the_operator():
    made = graph(("any name", "FusedConv", "x k2", "relu:0"), ("dense/MatMul", "MatMul", "relu:0 dense/w", "y"))
    assert origins(CHAIN, made) == {
        "any name": ("relu/Relu", "conv/Conv", "conv/k", "bn/Mul", "bn/g"),
        "dense/MatMul": ("dense/MatMul", "dense/w"),
    }


def test_a_blocked_convolution_is_named_after_its_last_tensor():
    made = graph(
        ("relu:0_nchwc", "Conv", "x reorder", "token"),
        ("ReorderOutput", "ReorderOutput", "token", "relu:0"),
        ("dense/MatMul", "MatMul", "relu:0 dense/w", "y"),
    )
    found = origins(CHAIN, made)
    assert found["relu:0_nchwc"] == ("relu/Relu", "conv/Conv", "conv/k", "bn/Mul", "bn/g")
    assert found["ReorderOutput"] == (), "nothing of the file went into what the runtime inserted"


RESIDUAL = graph(
    ("one/Conv", "Conv", "x k1", "one:0"),
    ("two/Conv", "Conv", "one:0 k2", "two:0"),
    ("add/Add", "Add", "one:0 two:0", "add:0"),
    ("relu/Relu", "Relu", "add:0", "relu:0"),
    ("three/Conv", "Conv", "relu:0 k3", "three:0"),
    ("relu2/Relu", "Relu", "three:0", "y"),
)


def test_an_addition_is_found_in_the_convolution_that_took_it_in():
    made = graph(
        ("one:0_nchwc", "Conv", "x r1", "t1"),
        ("two:0_nchwc", "Conv", "t1 r2  t1", "t2"),
        ("three:0_nchwc", "Conv", "t2 r3", "t3"),
        ("ReorderOutput", "ReorderOutput", "t3", "y"),
    )
    found = origins(RESIDUAL, made)
    assert set(found["two:0_nchwc"]) == {"two/Conv", "add/Add", "relu/Relu"}
    assert found["two:0_nchwc"][0] == "two/Conv", "it is named after this one"
    assert found["one:0_nchwc"] == ("one/Conv",)
    assert set(found["three:0_nchwc"]) >= {"three/Conv"}


def test_what_only_moves_data_does_not_count_where_something_computes():
    file = graph(
        ("dense/MatMul", "MatMul", "x w", "dense:0"),
        ("dense/Transpose", "Transpose", "dense:0", "turned"),
        ("relu/Relu", "Relu", "turned", "y"),
    )
    made = graph(("dense/MatMul", "MatMul", "x w", "dense:0"), ("relu/Relu", "Relu", "dense:0", "y"))
    assert origins(file, made)["relu/Relu"] == ("relu/Relu",)


def test_what_computes_shapes_does_not_count():
    file = graph(
        ("conv/Conv", "Conv", "x k", "conv:0"),
        ("pool/Shape", "Shape", "conv:0", "shape"),
        ("pool/Mul", "Mul", "shape two", "size"),
        ("flat/Reshape", "Reshape", "conv:0 size", "y"),
        k=(4, 3, 3, 3),
        two=None,
    )
    made = graph(("conv/Conv", "Conv", "x k", "conv:0"), ("flat/Reshape", "Reshape", "conv:0 folded", "y"))
    assert origins(file, made)["flat/Reshape"] == ("flat/Reshape",)


def test_an_unknown_tensor_leads_on_by_the_name_of_its_operator():
    made = graph(
        ("dense/MatMul/Transposed/", "FusedMatMul", "relu:0 dense/w", "new"), ("dense/Cast", "Cast", "new", "newer")
    )
    found = origins(CHAIN, made)
    assert found["dense/MatMul/Transposed/"] == ("dense/MatMul", "dense/w")
    assert found["dense/Cast"] == (), "a cast that the runtime inserted"


@pytest.fixture
def optimized(tmp_path):
    """Return a function that has ONNX Runtime optimize a list of nodes, and both graphs."""

    def make(nodes, shape, **weights):
        draw = np.random.default_rng(0)
        stored = [
            numpy_helper.from_array(draw.normal(size=size).astype(np.float32), name) for name, size in weights.items()
        ]
        (end,) = {out for node in nodes for out in node.output} - {name for node in nodes for name in node.input}
        values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, dims) for name, dims in [("x", shape)]]
        ends = [helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, None)]
        model = helper.make_model(
            helper.make_graph(nodes, "made", values, ends, stored), opset_imports=[helper.make_opsetid("", 17)]
        )
        model.ir_version = 8
        path = str(tmp_path / "file.onnx")
        onnx.save(model, path)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return read(path), read(options.optimized_model_filepath)

    return make


def node(name, kind, *inputs, **attributes):
    return helper.make_node(kind, list(inputs), [f"{name}:0"], name=name, **attributes)


def test_every_computing_operator_of_a_residual_block_is_found_once(optimized):
    nodes = [
        node("stem/Conv", "Conv", "x", "k0", pads=[1, 1, 1, 1]),
        node("stem/Relu", "Relu", "stem/Conv:0"),
        node("a/Conv", "Conv", "stem/Relu:0", "k1", pads=[1, 1, 1, 1]),
        node("a/Relu", "Relu", "a/Conv:0"),
        node("b/Conv", "Conv", "a/Relu:0", "k2", pads=[1, 1, 1, 1]),
        node("add/Add", "Add", "stem/Relu:0", "b/Conv:0"),
        node("out/Relu", "Relu", "add/Add:0"),
        node("c/Conv", "Conv", "out/Relu:0", "k3"),
        node("pool/Mean", "GlobalAveragePool", "c/Conv:0"),
    ]
    kernels = {"k0": (32, 3, 3, 3), "k1": (32, 32, 3, 3), "k2": (32, 32, 3, 3), "k3": (32, 32, 1, 1)}
    file, made = optimized(nodes, [1, 3, 16, 16], **kernels)
    assert len(made.nodes) < len(file.nodes), "it fuses"
    found = origins(file, made)
    seen = [name for names in found.values() for name in names if "/" in name]
    assert sorted(seen) == sorted(each.name for each in nodes)
    together = next(names for names in found.values() if "b/Conv" in names)
    assert "add/Add" in together, "the addition goes into the convolution before it"
    assert not any({"b/Conv", "c/Conv"} <= set(names) for names in found.values())


def test_products_take_in_additions_and_transpositions(optimized):
    nodes = [
        node("t/Transpose", "Transpose", "x", perm=[0, 2, 1]),
        node("scores/MatMul", "MatMul", "x", "t/Transpose:0"),
        node("soft/Softmax", "Softmax", "scores/MatMul:0"),
        node("dense/MatMul", "MatMul", "soft/Softmax:0", "w"),
        node("dense/Add", "Add", "dense/MatMul:0", "b"),
        node("dense/Relu", "Relu", "dense/Add:0"),
    ]
    file, made = optimized(nodes, [1, 8, 16], w=(8, 12), b=(12,))
    found = origins(file, made)
    seen = {name for names in found.values() for name in names}
    computing = {"scores/MatMul", "soft/Softmax", "dense/MatMul", "dense/Add", "dense/Relu"}
    assert computing <= seen
    assert all(len({name.split("/")[0] for name in names if "/" in name}) <= 1 for names in found.values())


def test_bodies_of_loops_are_read_too(tmp_path):
    body = helper.make_graph(
        [helper.make_node("MatMul", ["state", "w"], ["next"], name="rnn/MatMul")],
        "body",
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 4]) for name in ("state", "step")],
        [helper.make_tensor_value_info("next", onnx.TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")],
    )
    loop = helper.make_node("Loop", ["n", "go", "x"], ["y"], name="rnn/Loop", body=body)
    model = helper.make_model(helper.make_graph([loop], "made", [], []))
    onnx.save(model, tmp_path / "loop.onnx")
    file = read(str(tmp_path / "loop.onnx"))
    assert [each.name for each in file.nodes] == ["rnn/Loop", "rnn/MatMul"]
    assert file.constants["w"] == (4, 4)
