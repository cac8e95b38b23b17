import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.errors import InputError
from inferspeed_magic.records.signature import Signature
from inferspeed_magic.search.data import Samples
from inferspeed_magic.search.splitting import split


def samples(count, *, labels=True, given=True):
    x = np.arange(count, dtype="float32")[:, np.newaxis]
    return Samples([x], [np.arange(count)] if labels else None, np.arange(count) + 1.0, Signature(()), given)


@given(st.integers(3, 9000), st.integers(0, 100), st.booleans())
def test_parts_are_disjoint_and_none_is_empty(count, seed, own):
    calibration = [np.zeros((7, 1))] if own else None
    found = split(samples(count), seed, own_calibration=calibration)
    parts = [found.selection.inputs[0], found.held_out.inputs[0]] + ([] if own else [found.calibration[0]])
    used = np.concatenate(parts).ravel()
    assert len(np.unique(used)) == len(used)
    assert min(len(part) for part in parts) >= 1
    assert found.numbers.calibration == (7 if own else len(found.calibration[0])) <= 100
    assert found.numbers.selection == len(found.selection) <= 2000
    assert found.numbers.held_out == len(found.held_out) <= 5000
    if count <= 2000:
        assert len(used) == count


def test_inputs_labels_and_weights_stay_together():
    found = split(samples(500), 1)
    for part in (found.selection, found.held_out):
        np.testing.assert_array_equal(part.inputs[0][:, 0], part.labels[0])
        np.testing.assert_array_equal(part.weights, part.labels[0] + 1)
    named = Samples(samples(9).inputs, {"a": np.arange(9)}, None, Signature(()))
    part = split(named, 1).selection
    np.testing.assert_array_equal(part.inputs[0][:, 0], part.labels["a"])


def test_the_same_seed_splits_alike_and_sorted_data_is_mixed():
    first, again, other = (split(samples(1000), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.selection.inputs[0], again.selection.inputs[0])
    assert not np.array_equal(first.selection.inputs[0], other.selection.inputs[0])
    assert 350 < first.selection.inputs[0].mean() < 650
    assert 350 < first.calibration[0].mean() < 650


def test_shares():
    def numbers(count):
        found = split(samples(count), 0).numbers
        return found.calibration, found.selection, found.held_out

    assert numbers(3) == (1, 1, 1)
    assert numbers(10) == (2, 4, 4)
    assert numbers(1000) == (100, 450, 450)
    assert numbers(10_000) == (100, 2000, 5000)


def test_too_few_samples():
    with pytest.raises(InputError, match="has 2 samples: it takes at least 3"):
        split(samples(2), 0)
    with pytest.raises(InputError, match="has 1 sample: it takes at least 2, one for each of selection"):
        split(samples(1), 0, own_calibration=[np.zeros((5, 1))])
    assert split(samples(2), 0, own_calibration=[np.zeros((5, 1))]).numbers.calibration == 5


def test_without_labels_and_made_up():
    found = split(samples(50, labels=False, given=False), 0)
    assert found.selection.labels is None
    assert not found.numbers.given
