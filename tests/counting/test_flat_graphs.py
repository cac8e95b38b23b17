"""The rules on graphs written by hand: no TensorFlow in here."""

from __future__ import annotations

import numpy as np
import pytest

from inferspeed_magic.counting.arithmetic import ARITHMETIC, IN_PLACE
from inferspeed_magic.counting.dilation import join_dilated
from inferspeed_magic.counting.flat_graph import INPUT, LOOP_VARIABLE, WEIGHT, Node, needed_for
from inferspeed_magic.counting.kinds import KNOWN, LOOKUPS, MOVES, PLUMBING, STATEFUL, VIEWS
from inferspeed_magic.counting.known import known_nodes
from inferspeed_magic.counting.products import PRODUCTS
from inferspeed_magic.counting.trip_count import known_value, trip_count
from inferspeed_magic.counting.work import work_of


def tensor(*shape, kind=INPUT, dtype="float32"):
    return Node(kind).make(shape, dtype)


def constant(value):
    value = np.asarray(value)
    node = Node("Const", value=value)
    return node.make(value.shape, str(value.dtype))


def made(kind, inputs, shape, dtype="float32", **attributes):
    return Node(kind, inputs, attributes=attributes).make(shape, dtype)


def counter(begin, step, kind="AddV2"):
    variable = Node(LOOP_VARIABLE, [constant(begin)])
    before = variable.make((), "int32")
    variable.back = made("Identity", [made(kind, [before, constant(step)], (), "int32")], (), "int32")
    return before


@pytest.mark.parametrize(
    ("variable", "compare", "limit", "steps"),
    [
        ((0, 1, "AddV2"), "Less", 7, 7),
        ((2, 1, "AddV2"), "Less", 7, 5),
        ((0, 2, "AddV2"), "Less", 7, 4),
        ((0, 2, "AddV2"), "LessEqual", 8, 5),
        ((7, 1, "Sub"), "Greater", 0, 7),
        ((7, -2, "AddV2"), "GreaterEqual", 0, 4),
        ((9, 1, "AddV2"), "Less", 7, 0),
        ((0, 1, "Mul"), "Less", 7, None),
        ((0, -1, "AddV2"), "Less", 7, None),
    ],
)
def test_steps_of_a_loop(variable, compare, limit, steps):
    assert trip_count(made(compare, [counter(*variable), constant(limit)], (), "bool")) == steps


def test_a_loop_ends_at_the_first_of_its_limits():
    both = [made("Less", [counter(0, 1), constant(limit)], (), "bool") for limit in (9, 4)]
    assert trip_count(made("LogicalAnd", both, (), "bool")) == 4
    unknown = made("Less", [tensor(), constant(3.0)], (), "bool")
    assert trip_count(made("LogicalAnd", [unknown, both[0]], (), "bool")) == 9
    assert trip_count(unknown) is None


def test_a_limit_may_come_from_a_shape():
    shape = made("Shape", [tensor(5, 7)], (2,), "int32")
    steps = made("StridedSlice", [shape, constant([1]), constant([2]), constant([1])], (), "int32")
    assert known_value(steps) == 7
    assert trip_count(made("Greater", [steps, counter(0, 1)], (), "bool")) == 7
    assert known_value(made("Shape", [tensor(None, 7)], (2,), "int32")) is None


def work(kind, inputs, shape, **attributes):
    found = work_of(made(kind, inputs, shape, **attributes).maker)
    return found.macs, found.flops


def test_rules():
    assert work("MatMul", [tensor(2, 3), tensor(3, 5)], (2, 5)) == (30, 60)
    assert work("MatMul", [tensor(3, 2), tensor(3, 5)], (2, 5), transpose_a=True) == (30, 60)
    assert work("BatchMatMulV2", [tensor(7, 2, 3), tensor(3, 5)], (7, 2, 5)) == (210, 420)
    assert work("Einsum", [tensor(7, 2, 3), tensor(3, 4, 5)], (7, 2, 4, 5), equation="abc,cde->abde") == (840, 1680)
    assert work("Einsum", [tensor(7, 2, 3), tensor(7, 3, 5)], (7, 2, 5), equation="...ab,...bc->...ac") == (210, 420)
    assert work("Einsum", [tensor(2, 3)], (3, 2), equation="ab->ba") == (0, 0)
    assert work("Conv2D", [tensor(1, 8, 8, 4), tensor(3, 3, 2, 6)], (1, 6, 6, 6)) == (3888, 7776)
    backward = [constant([1, 8, 8, 4]), tensor(3, 3, 4, 2), tensor(1, 6, 6, 2)]
    assert work("Conv2DBackpropInput", backward, (1, 8, 8, 4)) == (36 * 2 * 36, 2 * 36 * 2 * 36)
    assert work("AvgPool", [tensor(1, 8, 8, 4)], (1, 4, 4, 4), ksize=[1, 2, 2, 1]) == (0, 256)
    assert work("Sum", [tensor(2, 3, 4)], (2,)) == (0, 24)
    assert work("AddN", [tensor(4)] * 3, (4,)) == (0, 8)
    assert work("FFT", [tensor(2, 8)], (2, 8)) == (0, 2 * 5 * 8 * 3)
    assert work("RFFT", [tensor(2, 8)], (2, 5)) == (0, 5 * 8 * 3)
    assert work("Cast", [tensor(4)], (4,)) == (0, 0)
    assert work("Cholesky", [tensor(2, 6, 6)], (2, 6, 6)) == (0, 144)


def test_sizes_that_are_not_known_are_reported():
    found = work_of(made("Tanh", [tensor(None, 3)], (None, 3)).maker)
    assert (found.flops, found.counted, found.kernels) == (0, False, 1)
    assert work_of(made("Transpose", [tensor(None, 3)], (3, None)).maker).counted
    assert not work_of(made("NoSuchOperator", [tensor(3)], (3,)).maker).counted


def test_counters_are_no_work():
    assert work_of(made("AddV2", [tensor(dtype="int32")], (), "int32").maker).kernels == 0
    assert work_of(made("AddV2", [tensor()], ()).maker).kernels == 1
    assert work_of(made("AddV2", [tensor(3, dtype="int32")], (3,), "int32").maker).kernels == 1


def test_every_kind_has_one_rule():
    tables = [VIEWS, KNOWN, PLUMBING, MOVES, frozenset(ARITHMETIC) | frozenset(PRODUCTS)]
    for number, table in enumerate(tables):
        for other in tables[number + 1 :]:
            assert not table & other
    assert not set(ARITHMETIC) & set(PRODUCTS)
    assert LOOKUPS <= MOVES
    assert set(IN_PLACE) <= set(ARITHMETIC)
    assert STATEFUL - {"(state)"} <= set(ARITHMETIC) | {"StatefulUniformFullInt"}


def test_what_depends_on_weights_alone_is_known():
    weight = tensor(4, 4, kind=WEIGHT)
    cast = made("Cast", [weight], (4, 4))
    product = made("MatMul", [tensor(2, 4), cast], (2, 4))
    drawn = made("RandomUniform", [constant([2, 2])], (2, 2))
    known = known_nodes([weight.maker, cast.maker, product.maker, drawn.maker])
    assert known == {id(weight.maker): {weight.maker}, id(cast.maker): {weight.maker}}


def test_only_what_outputs_need_is_kept():
    source = tensor(3)
    used, unused = made("Tanh", [source], (3,)), made("Exp", [source], (3,))
    assert needed_for([used], [source.maker, unused.maker, used.maker]) == [source.maker, used.maker]


def test_a_dilated_convolution_is_one_operator():
    image, kernel = tensor(1, 9, 8, 5), tensor(3, 3, 5, 4, kind=WEIGHT)
    cut = made("SpaceToBatchND", [image, constant([2, 2]), constant([[0, 1], [0, 0]])], (4, 5, 4, 5))
    parts = made("Conv2D", [cut, kernel], (4, 3, 2, 4))
    joined = made("BatchToSpaceND", [parts, constant([2, 2]), constant([[0, 1], [0, 0]])], (1, 5, 4, 4))
    nodes = [each.maker for each in (image, kernel, cut, parts, joined)]
    join_dilated(nodes)
    assert [node.kind for node in needed_for([joined], nodes)] == [INPUT, WEIGHT, "Conv2D"]
    assert work_of(joined.maker).macs == 5 * 4 * 4 * 45
