"""Weights in few bits: what is stored is what ONNX Runtime reads, whatever the product looked like."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.techniques.onnx_weights import blocks, pack


def unpacked(numbers, scales, bits, rows):
    if bits == 4:
        numbers = np.stack([numbers & 15, numbers >> 4], -1).reshape(*numbers.shape[:-1], -1)
    values = (numbers.astype(np.float32) - 2 ** (bits - 1)) * scales[..., None]
    return values.reshape(len(values), -1)[:, :rows].T


@given(st.integers(1, 70), st.integers(1, 5), st.sampled_from([4, 8]), st.sampled_from([16, 32]), st.integers(0, 9))
def test_rounding_is_within_a_step_and_the_largest_is_exact(rows, columns, bits, block_size, seed):
    matrix = np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)
    numbers, scales = blocks(matrix, bits, block_size)
    count = -(-rows // block_size)
    assert numbers.shape == (columns, count, block_size * bits // 8)
    assert scales.shape == (columns, count)
    again = unpacked(numbers, scales, bits, rows)
    steps = np.repeat(np.abs(scales), block_size, axis=1)[:, :rows].T
    # Half a step; at the far end, where a number is missing, a whole one.
    assert np.all(np.abs(again - matrix) <= 1.001 * steps)
    within = np.abs(matrix) <= (2 ** (bits - 1) - 1) * steps
    assert np.all((np.abs(again - matrix) <= 0.501 * steps)[within])
    for column in range(columns):
        largest = np.abs(matrix[:block_size, column]).argmax()
        assert again[largest, column] == pytest.approx(matrix[largest, column], rel=1e-6)


def test_zeros_stay_zeros():
    numbers, scales = blocks(np.zeros((20, 2), np.float32), 4, 16)
    assert not unpacked(numbers, scales, 4, 20).any()


def saved(path, nodes, initializers, width=48):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in initializers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def answers(path, inputs):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": inputs})[0]


DRAW = np.random.default_rng(0)
SQUARE = DRAW.standard_normal((48, 48)).astype(np.float32)
BIAS = DRAW.standard_normal(48).astype(np.float32)
GRAPHS = {
    "product": [helper.make_node("MatMul", ["x", "w"], ["y"], name="a/MatMul")],
    "with a bias": [helper.make_node("Gemm", ["x", "w", "b"], ["y"], name="a/Gemm")],
    "transposed": [helper.make_node("Gemm", ["x", "w"], ["y"], name="a/Gemm", transB=1)],
    "one matrix, twice": [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="a/MatMul"),
        helper.make_node("Gemm", ["h", "w", "b"], ["y"], name="b/Gemm", transB=1),
    ],
    "also for others": [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="a/MatMul"),
        helper.make_node("Transpose", ["w"], ["t"], name="t"),
        helper.make_node("MatMul", ["h", "t"], ["y"], name="b/MatMul"),
    ],
}


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize(("bits", "most"), [(8, 0.03), (4, 0.4)])
def test_products_answer_nearly_the_same(tmp_path, name, bits, most):
    source = saved(tmp_path / "model.onnx", GRAPHS[name], {"w": SQUARE, "b": BIAS})
    target = tmp_path / "packed.onnx"
    pack({}, source=str(source), target=str(target), batch_size=3, inputs=[], bits=bits, block_size=32)
    inputs = np.random.default_rng(1).standard_normal((3, 48)).astype(np.float32)
    expected, found = answers(source, inputs), answers(target, inputs)
    assert 1e-6 < np.abs(found - expected).max() / np.abs(expected).max() < most
    made = onnx.load(target)
    assert "MatMulNBits" in {node.op_type for node in made.graph.node}
    assert ("w" in {each.name for each in made.graph.initializer}) == (name == "also for others")


@pytest.mark.parametrize(
    "nodes",
    [
        [helper.make_node("Gemm", ["x", "w"], ["y"], alpha=2.0)],
        [helper.make_node("Gemm", ["x", "w"], ["y"], transA=1)],
        [helper.make_node("MatMul", ["x", "small"], ["y"])],
        [helper.make_node("Add", ["x", "b"], ["y"])],
    ],
)
def test_what_is_no_large_plain_product_is_left_alone(tmp_path, nodes):
    small = np.ones((48, 2), np.float32)
    source = saved(tmp_path / "model.onnx", nodes, {"w": SQUARE, "b": BIAS, "small": small})
    with pytest.raises(UnsupportedError, match="no product with a large constant matrix"):
        pack({}, source=str(source), target=str(tmp_path / "o"), batch_size=3, inputs=[], bits=4, block_size=32)
