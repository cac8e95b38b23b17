"""Models whose layers were made narrower until their weights fit a cache."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.explanation.narrower import ROOM, fit, narrow, predicted_bytes
from inferspeed_magic.pruning import prune
from inferspeed_magic.pruning.tracing import Trace
from inferspeed_magic.sources.portable import read
from inferspeed_magic.sources.source import from_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of Keras, while it saves


def mlp(width=512):
    hidden = [layers.Dense(width, activation="relu") for _ in range(3)]
    return keras.Sequential([keras.Input((100,)), *hidden, layers.Dense(10)])


def cnn():
    filters = [layers.Conv2D(64, 3, padding="same", activation="relu") for _ in range(3)]
    return keras.Sequential([keras.Input((16, 16, 3)), *filters, layers.Flatten(), layers.Dense(10)])


def folder_of(model, folder):
    from_model("model", model, "keras", None, None).write_portable(folder)
    return str(folder)


@pytest.mark.parametrize("make", [mlp, cnn])
def test_what_is_left_fits(make, tmp_path):
    source, state = folder_of(make(), tmp_path / "was"), {}
    found = fit(state, source=source, batch_size=1, caches={"L2": 262_144.0})
    assert found["level"] == "L2"
    assert 0.3 * 262_144 < found["weight_bytes"] <= ROOM * 262_144
    settings = {name: found[name] for name in ("sparsity_percent", "multiple_of")}
    narrow(state, source=source, target=str(tmp_path / "made"), batch_size=None, inputs=[], **settings)
    made = read(str(tmp_path / "made")).model
    assert made.count_params() == found["params"]
    assert made.output_shape == (None, 10)
    assert [type(each) for each in made.layers] == [type(each) for each in make().layers]
    # Another process has to make it again.
    narrow({}, source=source, target=str(tmp_path / "again"), batch_size=None, inputs=[], **settings)
    assert read(str(tmp_path / "again")).model.count_params() == found["params"]


def test_where_the_nearest_cache_is_too_small_the_next_one_is_taken(tmp_path):
    source = folder_of(mlp(), tmp_path / "was")
    assert fit({}, source=source, batch_size=1, caches={"L2": 16_384.0, "L3": 1e6})["level"] == "L3"
    with pytest.raises(UnsupportedError, match="do not fit L2 or L3"):
        fit({}, source=source, batch_size=1, caches={"L2": 4_096.0, "L3": 8_192.0})


def test_nothing_is_made_of_what_has_nothing_to_remove(tmp_path):
    model = keras.Sequential([keras.Input((600,)), layers.Dense(600)])
    with pytest.raises(UnsupportedError):
        fit({}, source=folder_of(model, tmp_path / "was"), batch_size=1, caches={"L2": 262_144.0})


@pytest.mark.parametrize("make", [mlp, cnn])
@pytest.mark.parametrize("percent", [25, 50, 80])
@pytest.mark.parametrize("multiple_of", [1, 8])
def test_what_will_be_left_is_known_before(make, percent, multiple_of):
    model = make()
    made = prune(model, percent / 100, importance="l1", scope="layer", multiple_of=multiple_of)
    left = sum(np.asarray(each.numpy()).nbytes for each in made.weights)
    assert predicted_bytes(model, Trace(model, keras), percent, multiple_of) == pytest.approx(left, rel=0.05)
