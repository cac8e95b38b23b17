"""Which weights an operator holds, in graphs written by hand."""

from __future__ import annotations

import pytest

from inferspeed_magic.formats.operator_graph import Node, OperatorGraph, weights_of, with_weights


def graph(*nodes, **constants):
    made = [Node(name, "Any", tuple(read), (name,)) for name, *read in nodes]
    return OperatorGraph(tuple(made), constants)


def test_a_kernel_is_named_after_the_layer_that_it_comes_from():
    assert weights_of(graph(("bn/mul", "x", "conv/kernel"), **{"conv/kernel": (8, 3, 3, 3)})) == {
        "bn/mul": ("conv/kernel",)
    }


def test_all_weights_of_an_operator_count():
    found = weights_of(graph(("a", "x", "kernel", "bias"), kernel=(8, 4), bias=(8,)))
    assert found == {"a": ("kernel", "bias")}


def test_a_vector_that_two_read_belongs_to_neither():
    assert weights_of(graph(("a", "x", "zeros"), ("b", "a", "zeros"), zeros=(8,))) == {}


def test_a_matrix_that_two_read_belongs_to_both():
    found = weights_of(graph(("a", "x", "shared"), ("b", "a", "shared"), shared=(8, 8)))
    assert found == {"a": ("shared",), "b": ("shared",)}


@pytest.mark.parametrize("shape", [None, (), (1,), (1, 1)])
def test_numbers_that_say_nothing_are_left_out(shape):
    assert weights_of(graph(("a", "x", "axis"), axis=shape)) == {}


def test_weights_are_found_through_what_prepares_them():
    found = weights_of(
        graph(("half", "kernel", "scale"), ("turned", "half"), ("a", "x", "turned"), kernel=(8, 4), scale=(8, 1))
    )
    assert found == {"a": ("kernel", "scale")}


def test_an_input_left_out_is_no_weight():
    assert weights_of(graph(("a", "x", "", "kernel"), ("random",), kernel=(2, 2))) == {"a": ("kernel",)}


def test_a_weight_is_found_through_what_gives_it_its_shape():
    nodes = (
        Node("size", "ShapeOf", ("x",), ("size",)),
        Node("shaped", "Reshape", ("bn/bias", "size"), ("shaped",)),
        Node("a", "Add", ("x", "shaped"), ("a",)),
    )
    assert weights_of(OperatorGraph(nodes, {"bn/bias": (8,)})) == {"a": ("bn/bias",)}


def test_what_lies_between_tensors_is_walked_back_to_the_bounds():
    chain = graph(("a", "x"), ("b", "a"), ("c", "b", "x"), ("d", "c"))
    assert [node.name for node in chain.between(["c"], {"a"})] == ["b", "c"]
    assert [node.name for node in chain.between(["d", "nowhere"], ())] == ["a", "b", "c", "d"]
    assert [node.name for node in chain.between(["b"], {"a", "b"})] == ["b"], "ends are no bounds"


def test_names_are_followed_by_those_of_weights():
    assert with_weights(["bn/mul", "relu/Relu"], {"bn/mul": ("conv/kernel",)}) == ("bn/mul", "conv/kernel", "relu/Relu")


@pytest.mark.parametrize("name", ["relu/Conv__32", "relu/Conv__32/WithoutBiases"])
def test_weights_say_more_than_a_name_that_a_converter_made_up(name):
    assert with_weights([name], {name: ("second_conv/kernel", "const_fold__3")}) == ("second_conv/kernel",)
    assert with_weights([name], {name: ("const_fold__3",)}) == (name,)
    assert with_weights([name], {}) == (name,)


def test_a_bias_says_more_than_a_made_up_name_of_what_it_was_parted_from():
    names = ["relu/Conv__32/WithoutBiases", "relu/Conv__32", "relu_1/Relu"]
    assert with_weights(names, {"relu/Conv__32": ("second_bn/bias",)}) == ("second_bn/bias", "relu_1/Relu")
