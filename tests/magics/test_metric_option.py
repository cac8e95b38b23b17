from __future__ import annotations

import pytest

from inferspeed_magic.errors import InputError
from inferspeed_magic.magics.metric import metric


class Score:
    def __call__(self, labels, predictions):
        return 1.0


MINE = {"mine": len, "accuracy": 0.98, "scores": {"a": max}, "Score": Score, "names": ["auc"], "score": Score()}


@pytest.mark.parametrize("name", ["accuracy", "f1_score", "Precision", "roc-auc", "mean squared error", "max"])
def test_names_that_are_not_the_users(name):
    assert metric(name, MINE) == name


@pytest.mark.parametrize(
    ("text", "value"), [("mine", len), ("scores['a']", max), ("score", MINE["score"]), ("names[0]", "auc")]
)
def test_what_the_user_has(text, value):
    assert metric(text, MINE) is value


def test_expressions():
    assert isinstance(metric("Score()", MINE), Score)
    assert metric("lambda y, p: len(y)", MINE)([1, 2], None) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scores.b", "--metric scores.b: AttributeError: 'dict' object has no attribute 'b'"),
        ("skore()", "--metric skore(): name 'skore' is not defined; did you mean score"),
        ("a.b(", "--metric a.b( is no Python expression"),
        ("accuracy*1.0", "--metric accuracy*1.0 is a float, not a metric; give a name such as accuracy, or a function"),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(InputError) as raised:
        metric(text, MINE)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
