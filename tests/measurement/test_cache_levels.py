"""Levels are named by what the machine says of its caches where that holds, and by plateaus where it does not."""

from __future__ import annotations

import pytest

from inferspeed_magic.measurement.cache_levels import levels, working_sets

KB, MB = 1024, 2**20
CACHES = {"L1d": 32.0, "L2": 1024.0, "L3": 32768.0}
SIZES = working_sets(CACHES, 2, 8e9)


def rates(holds, sizes=SIZES, cache=80.0, memory=20.0, private=2 * MB):
    """Bandwidth of a machine whose last level holds so many bytes."""
    return [120.0 if size <= private else cache if size <= holds else memory for size in sizes]


def boundary(names, level):
    return max((size for size, name in zip(SIZES, names, strict=True) if name == level), default=0)


def test_sizes_reach_from_16_kb_to_several_times_the_last_level():
    assert SIZES[0] == 16 * KB
    assert SIZES[-1] == 128 * MB
    assert list(SIZES) == sorted(set(SIZES))


def test_sizes_stay_within_a_quarter_of_the_memory_that_is_free():
    assert working_sets(CACHES, 2, 80 * MB)[-1] <= 20 * MB
    assert working_sets({"L3": 2_000_000.0}, 2, 1e12)[-1] <= 2**30


def test_each_of_many_threads_has_something_to_read():
    assert working_sets(CACHES, 64, 8e9)[0] >= 64 * 4096


def test_private_caches_add_up_over_the_threads():
    names, remark = levels(SIZES, rates(32 * MB), CACHES, 2)
    assert [boundary(names, level) for level in ("L1d", "L2", "L3", "memory")] == [64 * KB, 2 * MB, 32 * MB, 128 * MB]
    assert remark is None


def test_more_threads_move_the_boundaries():
    names, _ = levels(SIZES, rates(32 * MB, private=8 * MB), CACHES, 8)
    assert [boundary(names, level) for level in ("L1d", "L2", "L3")] == [256 * KB, 8 * MB, 32 * MB]


def test_a_cache_that_is_shared_with_other_guests_ends_where_the_bandwidth_falls():
    names, remark = levels(SIZES, rates(6 * MB), CACHES, 2)
    assert boundary(names, "L3") == 6 * MB
    assert "32 MB" in remark
    assert "6 MB" in remark


def test_a_cache_that_is_larger_than_the_machine_says():
    names, remark = levels(SIZES, rates(32 * MB), CACHES | {"L3": 4096.0}, 2)
    assert boundary(names, "L3") == 32 * MB
    assert "4 MB" in remark


@pytest.mark.parametrize(("caches", "last"), [({}, "L3"), ({"L1d": 32.0, "L2": 16384.0}, "L2")])
def test_a_last_level_that_is_not_reported_is_found(caches, last):
    names, _ = levels(SIZES, rates(16 * MB), caches, 2)
    assert boundary(names, last) == 16 * MB
    assert names[-1] == "memory"


def test_where_cache_and_memory_are_alike_the_machine_is_believed():
    names, remark = levels(SIZES, rates(6 * MB, cache=25.0, memory=20.0), CACHES, 2)
    assert boundary(names, "L3") == 32 * MB
    assert remark is None


def test_where_memory_was_not_reached_nothing_is_called_so():
    names, _ = levels(SIZES, rates(256 * MB), CACHES | {"L3": 262144.0}, 2)
    assert "memory" not in names
