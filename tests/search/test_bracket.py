"""How much to remove next."""

from __future__ import annotations

import pytest

from inferspeed_magic.search.bracket import Bracket


def shares(most_that_holds):
    bracket, found = Bracket(), []
    while (share := bracket.share()) is not None:
        found.append(share)
        bracket.note(share, holds=share <= most_that_holds)
    return found


@pytest.mark.parametrize("most", range(0, 100, 3))
def test_it_closes_in_on_the_most_that_holds(most):
    found = shares(most)
    held = [share for share in found if share <= most]
    assert found[0] == 50
    assert len(found) <= 4
    assert len(set(found)) == len(found)
    assert max(held, default=0) >= min(most, 90) - 10
    assert all(5 <= share <= 90 for share in found)


def test_it_ends():
    assert Bracket().share() == 50
    assert shares(100)[-1] <= 90
