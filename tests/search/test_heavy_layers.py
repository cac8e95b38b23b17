"""Which layers take a runtime's time is seen: a heavy one goes with a higher power of its width than a light one."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.profiling import arguments
from inferspeed_magic.profiling.candidate import Candidate
from inferspeed_magic.profiling.conversion import Converter
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.profiling.opening import Opener
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.search.elasticity import Narrower
from inferspeed_magic.workers.crew import Crew


def uneven():
    """Nearly all of the time is between the second and the third layer."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((48, 48, 3)),
            layers.Conv2D(8, 1, activation="relu", name="light"),
            layers.Conv2D(64, 3, padding="same", activation="relu", name="heavy"),
            layers.Conv2D(64, 3, padding="same", activation="relu", name="heavier"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(32, activation="relu", name="lightest"),
            layers.Dense(4, name="answer"),
        ]
    )


def measured(runtime, limit_s):
    (source,) = arguments.sources({"model": uneven()}, None, None, lambda *_: {})
    source.try_out(0)
    with Crew() as crew:
        converter = Converter(crew, LIMITS, environment(None, "cpu"))
        try:
            candidate = Candidate(source, runtimes()[runtime], Lowering("cpu", 1, 1), "static")
            inputs = Opener(crew, converter, LIMITS, seed=0, device="cpu").inputs(candidate)
            narrower = Narrower(crew, converter, LIMITS, candidate, inputs=inputs, tell=lambda _: None)
            return narrower.elasticities(8, limit_s)
        finally:
            converter.close()


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime"])
def test_heavy_layers_are_found(runtime):
    found = measured(runtime, 120)
    assert found.complete
    assert min(found.powers["heavy"], found.powers["heavier"]) > 0.2
    assert found.powers.get("light", 0.0) < 0.5 * found.powers["heavy"]
    assert found.powers.get("lightest", 0.0) < 0.2 * found.powers["heavy"]


def test_without_time_nothing_is_known():
    found = measured("litert", 0.0)
    assert found.powers == {}
    assert not found.complete


def test_keras_has_no_files():
    assert measured("keras.call", 60).powers == {}
