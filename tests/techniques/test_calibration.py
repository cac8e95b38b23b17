"""Samples reach quantizers batch by batch, under the names and in the dtypes of the inputs."""

import numpy as np
import pytest

from inferspeed_magic.techniques.calibration import batches, write

INPUTS = [{"name": "a", "dtype": "float32"}, {"name": "b", "dtype": "int32"}]


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "samples", [np.arange(14.0).reshape(7, 2), np.arange(7)])
    return str(tmp_path / "samples")


@pytest.mark.parametrize(("batch_size", "count"), [(1, 7), (None, 7), (2, 3), (7, 1)])
def test_what_does_not_fill_a_batch_is_left_out(folder, batch_size, count):
    found = list(batches(folder, batch_size, INPUTS, ["x", "y"]))
    assert [each["y"].tolist() for each in found] == [
        list(range(start * (batch_size or 1), (start + 1) * (batch_size or 1))) for start in range(count)
    ]
    assert all((each["x"].dtype, each["y"].dtype) == (np.float32, np.int32) for each in found)
    assert found[0]["x"].shape == (batch_size or 1, 2)


def test_fewer_samples_than_a_batch_are_repeated(folder):
    (only,) = batches(folder, 10, INPUTS, ["x", "y"])
    assert only["y"].tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2]
