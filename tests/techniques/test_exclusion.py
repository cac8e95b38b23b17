"""Names of operators lead to the layers that stay in float."""

import pytest

from inferspeed_magic.techniques.exclusion import within

QUERY = "functional_1/multi_head_attention/query/Tensordot/MatMul"


@pytest.mark.parametrize(
    "path",
    ["multi_head_attention", "multi_head_attention/query", "functional_1/multi_head_attention", QUERY, f"/{QUERY}"],
)
def test_an_operator_is_within_its_layers_and_itself(path):
    assert within(QUERY, [path])
    assert within(f"{QUERY}/MatMulAddFusion", ["another", path])


@pytest.mark.parametrize(
    "path", ["", "/", "query/multi_head_attention", "multi_head", "key", "multi_head_attention/key", f"{QUERY}_1"]
)
def test_it_is_within_nothing_else(path):
    assert not within(QUERY, [path])


def test_nothing_is_within_nothing():
    assert not within("", [""])
    assert not within("dense/MatMul", [])
