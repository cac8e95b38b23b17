"""Channels that are removed for a latency: from layers that take time, and least from those that matter."""

from __future__ import annotations

import json

import keras
import lessons
import numpy as np
import pytest
from keras import layers

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.measurement.side_by_side import ROUNDS, latencies
from inferspeed_magic.pruning import channel_groups
from inferspeed_magic.sources.portable import read
from inferspeed_magic.techniques import channel_pruner
from inferspeed_magic.techniques.alike_groups import halves

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of Keras, while it saves

NOTHING = {"state": {}, "batch_size": None, "inputs": []}


@pytest.fixture(scope="module")
def model():
    return lessons.taught()


@pytest.fixture(scope="module")
def source(model, tmp_path_factory):
    return lessons.folder_of(model, tmp_path_factory.mktemp("latency") / "model")


def widths(folder):
    return {group.name: group.width for group in channel_groups(read(str(folder)).model) if group.free}


def remove(source, target, elasticities, *, less=50, multiple_of=1, **lesson):
    channel_pruner.remove_for_latency(
        **NOTHING,
        source=source,
        target=str(target),
        less_time_percent=less,
        elasticities=json.dumps(elasticities),
        multiple_of=multiple_of,
        lesson=lessons.lesson_in(target.with_name(f"{target.name}_lesson"), **lesson),
    )
    return widths(target)


def test_they_go_where_the_time_is(source, tmp_path):
    before = widths(source)
    assert len(before) > 1
    for taking in before:
        after = remove(source, tmp_path / taking, {taking: 1.0}, epochs=1)
        assert after[taking] <= before[taking] / 2
        assert all(after[name] == before[name] for name in before if name != taking)


def test_what_is_left_has_learned(source, tmp_path):
    powers = dict.fromkeys(widths(source), 0.5)
    remove(source, tmp_path / "learned", powers, less=60)
    assert lessons.accuracy_of(tmp_path / "learned") > lessons.accuracy_of(source) - 0.1


def test_more_goes_in_stages_and_where_multiples_are_left(source, tmp_path):
    before = widths(source)
    powers = dict.fromkeys(before, 0.6)
    some, more = (remove(source, tmp_path / f"less_{less}", powers, less=less, multiple_of=4) for less in (30, 80))
    assert all(more[name] <= some[name] for name in before)
    assert sum(more.values()) < sum(some.values()) < sum(before.values())
    assert all(width % 4 == 0 for name, width in more.items() if before[name] > 4)


def test_little_time_still_leaves_a_model(source, tmp_path):
    powers = dict.fromkeys(widths(source), 0.5)
    after = remove(source, tmp_path / "hasty", powers, less=80, limit_s=0.5)
    assert sum(after.values()) < sum(widths(source).values())


def test_learning_from_answers_alone(source, tmp_path):
    powers = dict.fromkeys(widths(source), 0.5)
    after = remove(
        source, tmp_path / "alone", powers, epochs=1, labels=None, check_inputs=[], check_labels=None, loss=None
    )
    assert sum(after.values()) < sum(widths(source).values())


@pytest.mark.parametrize("elasticities", [{}, {"another": 1.0}])
def test_nothing_goes_where_nothing_is_known(source, tmp_path, elasticities):
    with pytest.raises(UnsupportedError, match="of no channels that could go is it known that they take time"):
        remove(source, tmp_path / "nothing", elasticities)


def test_layers_of_the_same_sizes_are_alike(tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(16, 3, padding="same", name="stem")(inputs)
    for block in range(3):
        inner = layers.Conv2D(24, 3, padding="same", name=f"inner_{block}")(x)
        x = layers.Add()([x, layers.Conv2D(16, 3, padding="same", name=f"outer_{block}")(inner)])
    folder = lessons.folder_of(keras.Model(inputs, layers.GlobalAveragePooling2D()(x)), tmp_path / "model")
    found = halves({}, source=folder, multiple_of=8)
    # What comes out of the model cannot go; the three inner layers are alike.
    assert [sorted(each["names"]) for each in found] == [["inner_0", "inner_1", "inner_2"]]
    assert found[0]["share"] * 24 in (8, 16)


class Broken:
    """Opens nothing but what is called so."""

    def prepare(self, _):
        pass

    def load(self, path, _):
        if "broken" in path:
            raise RuntimeError("no such operator")
        return path

    def compile(self, loaded, _):
        return self

    def run(self, _):
        return [np.zeros(1)]


def test_what_cannot_be_opened_is_left_out(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.zeros(3))
    monkeypatch.setattr("inferspeed_magic.measurement.side_by_side.from_reference", lambda _: Broken())
    timing = {"inputs": [[str(tmp_path / "x.npy")]], "timed_s": 0.05, "lowering": {}, "runtime": "a:b"}
    found = latencies({}, artifacts={"a": "a", "b": "broken"}, limit_s=300.0, **timing)
    assert list(found) == ["a"]
    assert len(found["a"]) == ROUNDS
    hasty = latencies({}, artifacts={"a": "a"}, limit_s=0.0, **timing)
    assert len(hasty["a"]) == 1
