"""Nested inputs, flattened and put back: also after a journey as JSON."""

from __future__ import annotations

import json

import keras
from hypothesis import given, settings
from hypothesis import strategies as st

from inferspeed_magic.sources.structure import flatten, pack

nested = st.recursive(
    st.integers() | st.none() | st.text(max_size=3),
    lambda part: (
        st.lists(part, max_size=3)
        | st.lists(part, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4), part, max_size=3)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(nested)
def test_what_was_flattened_can_be_put_back(structure):
    leaves, template = flatten(structure)
    assert pack(template, leaves) == structure
    assert pack(json.loads(json.dumps(template)), leaves) == structure


@settings(deadline=None)
@given(nested)
def test_leaves_come_in_order(structure):
    """A leaf of the template is its position; other leaves can be put into the same places."""
    leaves, template = flatten(structure)
    again, same = flatten(pack(template, list(range(len(leaves)))))
    assert again == list(range(len(leaves)))
    assert same == template


@settings(deadline=None)
@given(
    st.recursive(
        st.integers(),
        lambda part: (
            st.lists(part, min_size=1, max_size=3) | st.dictionaries(st.text("abyz", min_size=1), part, min_size=1)
        ),
        max_leaves=8,
    )
)
def test_the_order_is_that_of_keras(structure):
    assert flatten(structure)[0] == keras.tree.flatten(structure)


def test_by_example():
    leaves, template = flatten({"b": [1, (2,)], "a": 3})
    assert leaves == [3, 1, 2]
    assert template == {"dict": {"a": 0, "b": {"list": [1, {"tuple": [2]}]}}}
    assert flatten(7) == ([7], 0)
