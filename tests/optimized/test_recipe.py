"""Scripts make the same artifacts as our converters do, where this package cannot be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import recipe_models
from workbench import Workbench

from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.optimized.recipe import recipe, write_inputs
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.sources.live import custom_objects
from inferspeed_magic.techniques.base import Subject, changed

BATCH = 3
RUNNER = Path(__file__).with_name("run_recipes.py")


@dataclass(frozen=True)
class Case:
    make: object
    runtime: str
    technique: str = "none"
    variant: str = ""
    options: tuple = ()

    def __str__(self):
        return "-".join(filter(None, [self.make.__name__, self.runtime, self.technique, self.variant]))


CASES = [
    Case(recipe_models.picture_and_vector, "litert", options=(("delegate", "none"),)),
    Case(recipe_models.picture_and_vector, "litert", "post_training_static"),
    Case(recipe_models.picture_and_vector, "litert", "int16x8"),
    Case(recipe_models.picture_and_vector, "onnxruntime", options=(("spinning", "off"), ("memory_arena", "off"))),
    Case(recipe_models.picture_and_vector, "onnxruntime", "post_training_static"),
    Case(recipe_models.picture_and_vector, "onnxruntime", "post_training_static", "percentile"),
    Case(recipe_models.picture_and_vector, "openvino", "post_training_static"),
    Case(recipe_models.transformer, "litert", "post_training_dynamic"),
    Case(recipe_models.transformer, "onnxruntime", "post_training_dynamic"),
    Case(recipe_models.transformer, "onnxruntime", "weight_only_int4"),
    Case(recipe_models.transformer, "openvino", "smooth_quant"),
    Case(recipe_models.lstm, "litert"),
    Case(recipe_models.lstm, "onnxruntime"),
    Case(recipe_models.lstm, "openvino", "weight_only_int8"),
    Case(recipe_models.deficient, "onnxruntime", "low_rank"),
    Case(recipe_models.deficient, "litert", "low_rank"),
    Case(recipe_models.picture_and_vector, "litert", "structured_pruning"),
    Case(recipe_models.in_tf_keras, "litert", "float16"),
    Case(recipe_models.in_tf_keras, "openvino", "weight_only_int4"),
    Case(recipe_models.with_own_layer, "onnxruntime"),
]


@dataclass
class Made:
    script: str
    ours: list
    theirs: list
    error: str


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Convert every case with our converters and with its script; all scripts run in one process."""
    folder = tmp_path_factory.mktemp("recipes")
    ours, scripts = {}, {}
    with Workbench() as bench:
        for case in CASES:
            source = bench.source(case.make)
            source.calibration = source.samples(20, seed=1)
            runtime = runtimes()[case.runtime]
            route = route_of(case, source)
            (batch,) = source.random_batches(BATCH, seed=5)
            artifact = bench.converter.submit(source, route, BATCH).result()
            ours[case] = bench.open(runtime, artifact.path, [batch]).outputs[0]
            scripts[case] = script_of(case, source, route, folder)
            (folder / f"{name_of(case)}.py").write_text(scripts[case])
            np.savez(folder / f"{name_of(case)}.inputs.npz", *batch)
    subprocess.run([sys.executable, "-P", RUNNER, folder], check=True, cwd=folder, env=environment())
    return {case: read(folder / name_of(case), scripts[case], ours[case]) for case in CASES}


def route_of(case, source):
    formats = runtimes()[case.runtime].capabilities().formats
    route = routes(source.kind, formats[0])[0]
    if case.technique == "none":
        return route
    technique = techniques()[case.technique]
    step_made = technique.step_made(formats)
    return changed(route, technique.step_for(Subject(case.runtime, "float32", ("AVX2",)), step_made, case.variant))


def script_of(case, source, route, folder):
    model, calibration, expected = write_inputs(source, folder / "kept")
    return recipe(
        name=str(case),
        kind=source.kind,
        route=route,
        runtime=case.runtime,
        lowering=Lowering("cpu", 2, BATCH, options=case.options),
        batch_in_file="static",
        inputs=source.signature.inputs,
        model_file=model,
        calibration_file=calibration,
        expected_file=expected,
        template=source.template,
        custom=custom_objects(source.model, source.kind),
    )


def name_of(case):
    return str(case).replace("-", "_")


def environment():
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def read(file, script, ours):
    error = file.with_suffix(".error")
    outputs = file.with_suffix(".outputs.npz")
    with np.load(outputs) if outputs.exists() else np.load(file.with_suffix(".inputs.npz")) as arrays:
        theirs = [arrays[name] for name in arrays.files]
    return Made(script, ours, theirs, error.read_text() if error.exists() else "")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_script_makes_the_same_artifact(made, case):
    found = made[case]
    assert not found.error
    in_float = case.technique in {"none", "low_rank", "structured_pruning"}
    assert relative_error(found.theirs, found.ours) < (1e-5 if in_float else 2e-3)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_script_imports_public_libraries_alone_and_is_clean(made, case, tmp_path):
    script = made[case].script
    assert not any("inferspeed_magic" in line and "import" in line for line in script.splitlines())
    file = tmp_path / "recipe.py"
    file.write_text(script)
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--select", "E,F,W,B,I,UP", "--ignore", "E501", "--line-length", "120", "--target-version", "py311"]
    found = subprocess.run(
        [*ruff, "check", "--isolated", "--no-cache", *rules, file], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


def test_plain_models_have_short_scripts(made):
    lengths = {str(case): len(found.script.splitlines()) for case, found in made.items()}
    plain = [case for case in lengths if case.startswith(("picture_and_vector-litert", "transformer-litert"))]
    plain.remove("picture_and_vector-litert-structured_pruning")  # no library does it
    assert max(lengths[case] for case in plain) < 220
    assert lengths["lstm-litert-none"] > 500
    text = next(found.script for case, found in made.items() if case.make is recipe_models.in_tf_keras)
    assert "parts of inferspeed-magic" not in text


def test_a_users_own_layer_comes_along(made):
    script = next(found.script for case, found in made.items() if case.make is recipe_models.with_own_layer)
    assert "class Twice(layers.Layer):" in script
    assert "FACTOR = 0.5" in script
    assert '"mine>Twice": Twice,' in script
