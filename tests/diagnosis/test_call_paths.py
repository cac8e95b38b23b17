from __future__ import annotations

import pytest

from inferspeed_magic.diagnosis.call_paths import call_paths
from inferspeed_magic.records import Interval


def ms(value):
    return Interval(value, 0.98 * value, 1.02 * value)


LATENCIES = {"keras.predict": ms(50.0), "keras.call": ms(8.0), "keras.compiled": ms(1.0), "onnxruntime": ms(0.2)}
IDLE = {"keras.predict": ms(48.0), "keras.call": ms(0.8), "keras.compiled": ms(0.4), "onnxruntime": ms(0.01)}


def parts(way, latencies=LATENCIES, idle=IDLE, starting=None):
    (found,) = [each for each in call_paths("m", latencies, idle, starting or {}) if each.way == way]
    return dict(found.parts)


@pytest.mark.parametrize("way", LATENCIES)
def test_parts_add_up(way):
    assert sum(parts(way).values()) == pytest.approx(LATENCIES[way].value)


def test_predict_is_taken_apart_with_a_model_without_work():
    """The compiled function alone shows what there is to compute more exactly than two latencies of tens of ms."""
    assert parts("keras.predict") == pytest.approx({"python": 49.0, "dispatch": 0.4, "compute": 0.6})


def test_predict_without_a_compiled_function_to_look_at():
    latencies = {way: ms_ for way, ms_ in LATENCIES.items() if way != "keras.compiled"}
    assert parts("keras.predict", latencies) == pytest.approx({"python": 48.0, "compute": 2.0})


def test_eager_calls_compute_what_the_compiled_function_computes():
    assert parts("keras.call")["compute"] == pytest.approx(0.6)


def test_starting_operators_is_dispatch():
    assert parts("onnxruntime", starting={"onnxruntime": 0.05}) == pytest.approx({"dispatch": 0.06, "compute": 0.14})


def test_noise_makes_no_negative_part():
    found = parts("onnxruntime", idle={"onnxruntime": ms(0.5)})
    assert min(found.values()) == 0.0
    assert sum(found.values()) == pytest.approx(0.2)


def test_without_a_model_without_work_nothing_is_taken_apart():
    assert parts("onnxruntime", idle={}) == {}
