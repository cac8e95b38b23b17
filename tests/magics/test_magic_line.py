from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.errors import OptionError
from inferspeed_magic.magics.line import split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("   ", []),
        ("a  b\t--quiet ", ["a", "b", "--quiet"]),
        ('--input "x_val[:8]"', ["--input", "x_val[:8]"]),
        ('--input="x val"', ["--input=x val"]),
        ("--input x_val[:, 0]", ["--input", "x_val[:, 0]"]),
        ("--input {'a': x, \"b\": y} --quiet", ["--input", "{'a': x, \"b\": y}", "--quiet"]),
        ('models["a b"]', ['models["a b"]']),
        ("\"models['a']\"", ["models['a']"]),
        ('"my folder"/m.onnx', ["my folder/m.onnx"]),
        (r"C:\models\m.onnx", [r"C:\models\m.onnx"]),
        ('""', [""]),
        ("a # and b", ["a"]),
        ("a #it's", ["a"]),
        ("run#2/m.onnx", ["run#2/m.onnx"]),
        ("'#a'", ["#a"]),
        ("a;", ["a"]),
        ("a ;", ["a"]),
        ("a; # comment", ["a"]),
        ("--input-shape 10;28,28,1;", ["--input-shape", "10;28,28,1"]),
        ("a)", ["a)"]),
    ],
)
def test_splits(line, words):
    assert split(line) == words


@pytest.mark.parametrize(
    ("line", "what"), [("a 'b", "open '"), ('--input "x', 'open "'), ("don't", "open '"), ("m[0", "open bracket")]
)
def test_open_quotes_and_brackets(line, what):
    with pytest.raises(OptionError, match=what):
        split(line)


@given(st.text())
def test_any_line_gives_words_or_one_line_of_mistake(line):
    with suppress(OptionError):
        assert all(isinstance(word, str) for word in split(line))


@given(st.lists(st.from_regex(r"[a-zA-Z0-9_./,:=\\-]+", fullmatch=True)))
def test_plain_words_come_back(words):
    assert split(" ".join(words)) == words


@given(st.lists(st.text(st.characters(blacklist_characters='"'), min_size=1).filter(lambda w: not w.endswith(";"))))
def test_quoted_words_come_back(words):
    assert split(" ".join(f'"{word}"' for word in words)) == words
