"""Colours that can be read, and looks that tell candidates apart."""

from __future__ import annotations

import itertools

import pytest

from inferspeed_magic.panel.identity import identities

NAMES = [f"model/{number}" for number in range(56)]
WHITE, BLACK = "#ffffff", "#111111"
VS_CODE, COLAB = "#1e1e1e", "#383838"


def luminance(colour):
    """Relative luminance, as WCAG 2.1 defines it for sRGB."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4  # as the standard has it
        for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def colours(kind):
    return {getattr(look, kind) for look in identities(NAMES).values()}


def test_the_contrast_is_that_of_the_standard():
    assert contrast("#000000", WHITE) == pytest.approx(21)
    assert contrast("#767676", WHITE) == pytest.approx(4.54, abs=0.005)  # the lightest grey that passes
    assert contrast("#777777", WHITE) == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize(
    ("kind", "background", "least"),
    [
        ("light", WHITE, 4.5),
        ("dark", BLACK, 4.5),
        ("dark", VS_CODE, 4.5),
        ("dark", COLAB, 4.5),
        ("either", WHITE, 3.0),
        ("either", BLACK, 3.0),
        ("either", VS_CODE, 3.0),
    ],
)
def test_every_colour_can_be_seen(kind, background, least):
    seen = {colour: round(contrast(colour, background), 2) for colour in colours(kind)}
    assert len(seen) == 8
    assert {colour: found for colour, found in seen.items() if found < least} == {}


def test_no_two_of_56_share_colour_and_marker():
    looks = identities(NAMES).values()
    for kind in ("light", "dark", "either"):
        assert len({(getattr(look, kind), look.marker) for look in looks}) == 56
        assert len({(getattr(look, kind), look.glyph) for look in looks}) == 56


def test_a_marker_and_its_character_go_together():
    pairs = {(look.marker, look.glyph) for look in identities(NAMES).values()}
    assert len(pairs) == len({marker for marker, _ in pairs}) == len({glyph for _, glyph in pairs}) == 7


def test_neighbours_differ_in_colour_marker_and_dash():
    looks = list(identities(NAMES).values())
    for one, other in itertools.pairwise(looks):
        assert one.light != other.light
        assert one.marker != other.marker
        assert one.dash != other.dash


def test_bokeh_knows_the_markers():
    from bokeh.core.enums import MarkerType

    assert {look.marker for look in identities(NAMES).values()} <= set(MarkerType)


def test_dashes_are_strokes_and_gaps():
    for look in identities(NAMES).values():
        assert len(look.dash) % 2 == 0
        assert all(length > 0 for length in look.dash)


def test_the_same_names_look_the_same():
    assert identities(NAMES) == identities(list(NAMES))
    # Whoever comes later changes nobody's look.
    assert identities(NAMES[:5]).items() <= identities(NAMES).items()


def test_a_repeated_name_has_one_look():
    assert identities(["a", "b", "a", "c", "b"]) == identities(["a", "b", "c"])


def test_more_than_56_and_none():
    assert len(identities([*NAMES, "one/more"])) == 57
    assert identities([]) == {}
