"""The picture of ``explain``."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from explanation_records import EXPLAINED, count_only, hostile, one, two
from PIL import Image, ImageColor
from profile_records import interval

from inferspeed_magic.panel import explain_charts, explain_picture, explain_picture_words, explain_view
from inferspeed_magic.panel.explain_parts import LOOKS
from inferspeed_magic.records import CallPath

MIDDLE = 500


class Picture:
    """A picture of a record, and how much of it has a colour."""

    def __init__(self, made):
        view, charts = explain_view(made), explain_charts(made)
        self.png, self.words = explain_picture(view, charts), explain_picture_words(view, charts)
        self.looks = {row.model: row.identity for row in view.rows}
        self.pixels = np.asarray(Image.open(io.BytesIO(self.png)).convert("RGB")) if self.png else None

    def where(self, colour, left=0, right=1000):
        found = np.nonzero((self.pixels[:, left:right] == ImageColor.getrgb(colour)).all(axis=2))
        return found[0], found[1] + left


def test_the_parts_of_a_call_have_their_lengths():
    parts = (("python", 6.0), ("dispatch", 3.0), ("compute", 1.0))
    drawn = Picture(one(call_paths=(CallPath("deep", "keras.predict", interval(10.0), parts),)))
    # Of the bar alone: the legend is below it.
    counts = [int((drawn.where(LOOKS[part].light, 195, MIDDLE)[0] < 70).sum()) for part, _ in parts]
    assert counts[0] / counts[2] == pytest.approx(6.0, rel=0.1)
    assert counts[1] / counts[2] == pytest.approx(3.0, rel=0.1)


def test_layers_with_more_operations_for_each_byte_are_right_of_others():
    made = one()
    few = tuple(each for each in made.layers if each.layer in ("conv2d_1", "dense"))
    right = [Picture(dataclasses.replace(made, layers=(each,))) for each in few]
    whole = Picture(dataclasses.replace(made, layers=few))
    _, across = whole.where(whole.looks["deep"].light, 570)
    assert across.max() - across.min() > 100
    assert all(each.png for each in right)


def test_what_was_only_counted_is_drawn_too():
    drawn = Picture(count_only())
    assert len(drawn.where(drawn.looks["wide"].light, 0, MIDDLE)[0]) > 500
    assert len(drawn.where(drawn.looks["wide"].light, 570)[0]) > 100
    assert "Operations against bytes moved" in drawn.words


@pytest.mark.parametrize("name", EXPLAINED)
def test_every_record_can_be_drawn(name):
    drawn = Picture(EXPLAINED[name]())
    if name == "nothing":
        assert drawn.png == b""
        assert drawn.words == ""
        return
    assert Image.open(io.BytesIO(drawn.png)).width == 1000
    assert len(drawn.png) < 60_000
    assert drawn.words
    assert "nan" not in drawn.words.lower().split()


@pytest.mark.parametrize("word", ["x" * 300, "字" * 100, "🚀\u202e\x00"])
def test_any_name_can_be_drawn(word):
    drawn = Picture(hostile(word))
    assert "\n" not in drawn.words
    # Names stay off the numbers and the chart beside them.
    assert (drawn.pixels[:, 482:498] == 255).all()


def test_words_say_what_a_call_is_made_of_and_which_layers_take_longest():
    words = Picture(two()).words
    assert words.startswith("What a call is made of. deep: keras.predict 61.2 ms (60.0-62.4) = python 92%")
    assert "Layers under the machine's roofs: wide: conv2d_1 (Conv2D, " in words
    assert words.endswith(" more layers.")
