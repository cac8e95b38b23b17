"""Subnormal weights become zero, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from inferspeed_magic.explanation.subnormal_weights import flush
from inferspeed_magic.sources.portable import read
from inferspeed_magic.sources.source import from_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of Keras, while it saves


@pytest.mark.parametrize("kind", ["keras", "tf_keras"])
def test_only_they_change(kind, tmp_path):
    library = pytest.importorskip(kind)
    model = library.Sequential([library.layers.Input((8,)), library.layers.Dense(4), library.layers.Dense(2)])
    kernel = np.full((8, 4), 0.5, "float32")
    kernel[0] = 1e-40
    kernel[1] = -1e-44
    kernel[2] = np.finfo("float32").tiny  # the smallest that is not subnormal
    model.layers[-2].set_weights([kernel, np.full(4, 1e-39, "float32")])
    before = [each.copy() for each in model.get_weights()]
    from_model("model", model, kind, None, None).write_portable(tmp_path / "was")
    flush({}, source=str(tmp_path / "was"), target=str(tmp_path / "made"), batch_size=None, inputs=[])
    made = read(str(tmp_path / "made")).model.get_weights()
    expected = kernel.copy()
    expected[:2] = 0
    assert np.array_equal(made[0], expected)
    assert not made[1].any()
    assert all(np.array_equal(*pair) for pair in zip(made[2:], before[2:], strict=True))
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), before, strict=True))
