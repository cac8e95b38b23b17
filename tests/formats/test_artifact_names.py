"""Names that carry the position of inputs and outputs through converters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferspeed_magic.formats.naming import in_order, input_name, output_name, position


@settings(deadline=None)
@given(st.integers(0, 500), st.text(max_size=30))
def test_the_position_of_an_input_can_be_read_back(number, name):
    made = input_name(number, name)
    assert position(made) == number
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", made), "converters refuse or change other characters"


@settings(deadline=None)
@given(st.integers(0, 500))
def test_the_position_of_an_output_can_be_read_back(number):
    assert position(output_name(number)) == number


@pytest.mark.parametrize(
    "decorated", ["serving_default_{}:0", "{}:0", "StatefulPartitionedCall/{}", "Identity_3:{}", "model/{}__12"]
)
@pytest.mark.parametrize("number", [0, 7, 12, 123])
def test_decorations_of_converters_do_no_harm(decorated, number):
    assert position(decorated.format(input_name(number, "tokens/x:0"))) == number
    assert position(decorated.format(output_name(number))) == number


@pytest.mark.parametrize("foreign", ["", "input_1", "dim_in_000_x", "x_im_in", "im_in_x_", "prim_out_0_", "Identity:0"])
def test_foreign_names_have_no_position(foreign):
    assert position(foreign) is None


def test_names_sort_as_positions_do():
    names = [input_name(number, "zeta" if number % 2 else "alpha") for number in range(200)]
    assert sorted(names) == names


def test_an_input_named_like_a_token_does_not_mislead():
    assert position(input_name(4, "im_in_009_x")) == 4


@settings(deadline=None)
@given(st.permutations(range(12)))
def test_things_are_put_in_order(order):
    things = [output_name(number) for number in order]
    assert in_order(things, lambda name: [f"call/{name}:0"]) == sorted(things)


def test_one_of_several_names_is_enough():
    ports = [("b", {"Identity", input_name(1, "x")}), ("a", {input_name(0, "y"), "zzz"})]
    assert [name for name, _ in in_order(ports, lambda port: port[1])] == ["a", "b"]


def test_files_that_are_not_ours_stay_in_their_order():
    assert in_order(["zeta", "alpha"], lambda name: [name]) == ["zeta", "alpha"]
    assert in_order(["zeta", output_name(0)], lambda name: [name]) == ["zeta", output_name(0)]
    assert in_order([], lambda name: [name]) == []
