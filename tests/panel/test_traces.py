"""What charts draw of latencies: thinned, and yet true."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panel_records import timed
from profile_records import measurement, record, result

from inferspeed_magic.panel.ranking import measured
from inferspeed_magic.panel.traces import Trace, trace
from inferspeed_magic.records import Block

# Five digits are kept.
ROUNDED = 0.5e-4 * 1.0001
LATENCY_NS = st.integers(1_000, 10**11)


def trace_of(blocks=(), warm_up_ns=()):
    made = result(measurement=measurement(blocks=tuple(blocks), warm_up_ns=tuple(warm_up_ns)))
    return trace(measured(record(made))[0])


def taken(blocks):
    """Put every latency in milliseconds."""
    return [latency / 1e6 for block in blocks for latency in block.latencies_ns]


@st.composite
def blocks_of_one(draw, most=12, longest=60):
    """Blocks one after the other, some of them empty; recorded in any order."""
    seed = draw(st.integers(0, 2**32 - 1))
    counts = draw(st.lists(st.integers(0, longest), min_size=1, max_size=most).filter(any))
    scale = draw(st.sampled_from([2e3, 1e5, 1e6, 7e9]))
    random = np.random.default_rng(seed)
    made, start_s = [], draw(st.floats(0, 500))
    for turn, count in enumerate(counts):
        latencies = tuple(
            int(each) for each in scale * random.lognormal(0, draw(st.sampled_from([0.0, 0.1, 2.0])), count)
        )
        wall_ns = int(1.01 * sum(latencies))
        made.append(Block(turn, turn % 2, start_s, wall_ns, latencies))
        start_s += wall_ns / 1e9 + 0.01
    return draw(st.permutations(made))


@settings(max_examples=80, deadline=None)
@given(blocks_of_one())
def test_shares_ascend_to_one_and_so_do_latencies(blocks):
    drawn = trace_of(blocks)
    assert drawn.samples == len(taken(blocks))
    assert len(drawn.share) == len(drawn.latency_ms) > 0
    assert all(one < other for one, other in itertools.pairwise(drawn.share))
    assert all(one <= other for one, other in itertools.pairwise(drawn.latency_ms))
    assert drawn.share[0] >= 0
    assert drawn.share[-1] == 1
    assert len(drawn.share) <= 150


def by_weight(blocks, share):
    """The first latency that this share of all does not exceed, where each turn counts the same."""
    filled = [block for block in blocks if block.latencies_ns]
    weighed = sorted((each / 1e6, 1 / len(block.latencies_ns)) for block in filled for each in block.latencies_ns)
    reached = 0.0
    for latency, weight in weighed:
        reached += weight / len(filled)
        if reached >= share - 1e-9:
            return latency
    return weighed[-1][0]


@settings(max_examples=80, deadline=None)
@given(blocks_of_one())
def test_the_distribution_is_that_of_all_latencies_each_turn_counting_the_same(blocks):
    drawn = trace_of(blocks)
    for share, latency in zip(drawn.share, drawn.latency_ms, strict=True):
        # The share has five digits too.
        low, high = by_weight(blocks, share * (1 - 2 * ROUNDED)), by_weight(blocks, min(1, share * (1 + 2 * ROUNDED)))
        assert low * (1 - ROUNDED) <= latency <= high * (1 + ROUNDED)
    assert drawn.latency_ms[0] == pytest.approx(min(taken(blocks)), rel=ROUNDED)
    assert drawn.latency_ms[-1] == pytest.approx(max(taken(blocks)), rel=ROUNDED)


def test_a_turn_counts_the_same_however_many_inferences_it_holds():
    """Otherwise p50, which does so, would not lie on the line."""
    drawn = trace_of([Block(0, 0, 0.0, 1, (1_000_000,) * 9), Block(1, 0, 1.0, 1, (5_000_000,))])
    assert drawn.share[-1] == 1
    assert drawn.share[drawn.latency_ms.index(5.0) - 1] == pytest.approx(0.5)


def test_few_latencies_are_all_there():
    drawn = trace_of([Block(0, 0, 0.0, 40, (4_000_000, 1_000_000, 3_000_000, 1_000_000))])
    assert drawn.latency_ms == (1.0, 1.0, 3.0, 4.0)
    assert drawn.share == (0.25, 0.5, 0.75, 1.0)
    assert drawn.each_ms == (4.0, 1.0, 3.0, 1.0)
    assert not drawn.thinned


@settings(max_examples=80, deadline=None)
@given(blocks_of_one().filter(lambda blocks: len(taken(blocks)) > 1))
def test_the_box_holds_percentiles(blocks):
    for share, latency in zip((0.05, 0.25, 0.5, 0.75, 0.95), trace_of(blocks).box_ms, strict=True):
        # A hair below a share it may be another latency than a hair above.
        low, high = by_weight(blocks, share - 1e-6), by_weight(blocks, share + 1e-6)
        assert low * (1 - ROUNDED) <= latency <= high * (1 + ROUNDED)


@settings(max_examples=80, deadline=None)
@given(blocks_of_one(), st.lists(LATENCY_NS, max_size=400))
def test_times_ascend_and_the_warm_up_came_before(blocks, warm_up_ns):
    drawn = trace_of(blocks, warm_up_ns)
    assert len(drawn.at_s) == len(drawn.each_ms)
    assert drawn.warm_up <= len(warm_up_ns)
    assert all(one <= other for one, other in itertools.pairwise(drawn.at_s))
    began_s = min(block.start_s for block in blocks if block.latencies_ns)
    assert all(at <= began_s + 1e-6 for at in drawn.at_s[: drawn.warm_up])
    assert all(at >= began_s - 1e-6 for at in drawn.at_s[drawn.warm_up :])
    if warm_up_ns:
        assert drawn.warm_up > 0
        assert drawn.at_s[0] == pytest.approx(began_s - sum(warm_up_ns) / 1e9, rel=ROUNDED, abs=1e-6)
    if len(warm_up_ns) <= 150:
        assert drawn.warm_up == len(warm_up_ns)
        assert drawn.each_ms[: drawn.warm_up] == pytest.approx([each / 1e6 for each in warm_up_ns], rel=ROUNDED)


def test_an_inference_stands_where_it_began():
    drawn = trace_of(
        [Block(1, 0, 2.0, 400_000_000, (100_000_000, 300_000_000)), Block(0, 0, 0.5, 10_000_000, (10_000_000,))],
        warm_up_ns=(1_000_000_000, 250_000_000),
    )
    assert drawn.at_s == (-0.75, 0.25, 0.5, 2.0, 2.2)
    assert drawn.each_ms == (1000.0, 250.0, 10.0, 100.0, 300.0)
    assert drawn.warm_up == 2


@settings(max_examples=80, deadline=None)
@given(blocks_of_one(most=20, longest=200), st.lists(LATENCY_NS, max_size=400))
def test_thinning_keeps_the_fastest_and_the_slowest(blocks, warm_up_ns):
    drawn, latencies = trace_of(blocks, warm_up_ns), taken(blocks)
    warm, kept = drawn.each_ms[: drawn.warm_up], drawn.each_ms[drawn.warm_up :]
    assert len(warm) <= 150
    assert len(kept) <= 150
    assert min(kept) == pytest.approx(min(latencies), rel=ROUNDED)
    assert max(kept) == pytest.approx(max(latencies), rel=ROUNDED)
    if warm_up_ns:
        assert max(warm) == pytest.approx(max(warm_up_ns) / 1e6, rel=ROUNDED)
    assert drawn.thinned == (len(drawn.each_ms) < len(latencies) + len(warm_up_ns))
    if len(latencies) <= 150 and len(warm_up_ns) <= 150:
        assert not drawn.thinned


def test_thinning_reaches_from_the_first_to_the_last_second():
    made = timed(0.1, rounds=40)
    drawn = trace_of(made.blocks, made.warm_up_ns)
    assert drawn.thinned
    timed_s = drawn.at_s[drawn.warm_up :]
    last = max(block.start_s for block in made.blocks)
    assert timed_s[0] < 0.2
    assert timed_s[-1] > last
    # No stretch is left out: two of its three inferences are as far apart as two stretches at most.
    assert np.diff(timed_s).max() < 2 * last / 50 + 0.2


def test_nothing_was_timed():
    nothing = Trace(0, (), (), (), (), (), 0, thinned=False)
    assert trace_of() == nothing
    assert trace_of([Block(0, 0, 0.0, 0, ())], warm_up_ns=(5, 6)) == nothing
    assert trace(measured(record(result(measurement=None)))[0]) == nothing


def test_one_inference():
    drawn = trace_of([Block(0, 0, 0.0, 2_000_000, (2_000_000,))])
    assert (drawn.samples, drawn.latency_ms, drawn.share, drawn.box_ms) == (1, (2.0,), (1.0,), (2.0,) * 5)
    assert (drawn.at_s, drawn.each_ms, drawn.warm_up, drawn.thinned) == ((0.0,), (2.0,), 0, False)
