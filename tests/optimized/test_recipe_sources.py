"""Scripts that start from files, that run Keras itself, and that are called wrongly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import recipe_models
import small_models
from test_recipe import BATCH, RUNNER, environment
from workbench import Workbench

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.optimized.recipe import recipe, write_inputs
from inferspeed_magic.records.signature import Signature, TensorSpec
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.sources.source import Source
from inferspeed_magic.techniques.base import step

INPUTS = (TensorSpec("alpha", (5,), "float32"), TensorSpec("zeta", (5,), "float32"))


def script(source, route, runtime, folder, **more):
    model, calibration, expected = write_inputs(source, folder)
    chosen = {"lowering": Lowering("cpu", 2, BATCH), "batch_in_file": "static", "template": source.template} | more
    return recipe(
        name=f"{source.name}/{runtime}",
        kind=source.kind,
        route=route,
        runtime=runtime,
        inputs=source.signature.inputs,
        model_file=model,
        calibration_file=calibration,
        expected_file=expected,
        **chosen,
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One model in files of other formats."""
    folder = tmp_path_factory.mktemp("files")
    with Workbench() as bench:
        source = bench.source(small_models.two_and_two)
        onnx = bench.converter.submit(source, routes("keras", "onnx", dynamic=True)[0], 1).result().path
        litert = bench.converter.submit(source, routes("keras", "litert")[0], BATCH).result().path
        made = {"onnx": folder / "a.onnx", "litert": folder / "a.tflite"}
        for kind, path in (("onnx", onnx), ("litert", litert)):
            made[kind].write_bytes(Path(path).read_bytes())
    made["saved_model"] = folder / "saved"
    source.model.export(str(made["saved_model"]), verbose=False)
    return made


def test_files_of_other_formats(files, tmp_path):
    names = {"saved_model": {"dict": {"alpha": 0, "zeta": 1}}}
    saved = {"path": str(files["saved_model"]), "library": "saved_model", "signature": "serving_default"}
    cases = {
        "onnx": ("onnxruntime", "openvino"),
        "litert": ("litert", "onnxruntime"),
        "saved_model": ("litert", "onnxruntime"),
    }
    draw = np.random.default_rng(0)
    batch = [draw.standard_normal((BATCH, 5)).astype("float32") for _ in INPUTS]
    ours = {}
    with Workbench() as bench:
        for kind, chosen in cases.items():
            template = names.get(kind, {"list": [0, 1]})
            facts = saved if kind == "saved_model" else {}
            source = Source(kind, kind, Signature(INPUTS), template, path=files[kind], facts=facts)
            for runtime in chosen:
                route = routes(kind, runtimes()[runtime].capabilities().formats[0])[0]
                made = bench.converter.submit(source, route, BATCH).result()
                ours[f"{kind}_{runtime}"] = bench.open(runtimes()[runtime], made.path, [batch]).outputs[0]
                written = script(source, route, runtime, tmp_path / "kept")
                (tmp_path / f"{kind}_{runtime}.py").write_text(written)
                np.savez(tmp_path / f"{kind}_{runtime}.inputs.npz", *batch)
    subprocess.run([sys.executable, "-P", RUNNER, tmp_path], check=True, cwd=tmp_path, env=environment())
    for name, outputs in ours.items():
        error = tmp_path / f"{name}.error"
        assert not error.exists(), error.read_text()
        with np.load(tmp_path / f"{name}.outputs.npz") as arrays:
            assert relative_error([arrays[each] for each in arrays.files], outputs) < 1e-5, name


def run(file, *arguments):
    command = [sys.executable, "-P", file, *map(str, arguments)]
    return subprocess.run(command, cwd=file.parent, env=environment(), capture_output=True, text=True, check=False)


def test_a_keras_model_that_was_changed_runs_compiled_from_the_command_line(tmp_path):
    with Workbench() as bench:
        source = bench.source(recipe_models.transformer)
        route = (step("keras_quantizer:quantize", "keras", "int8", mode="int8"),)
        file = tmp_path / "recipe.py"
        file.write_text(script(source, route, "keras.xla", tmp_path / "kept", batch_in_file=None))
    done = run(file)
    assert done.returncode == 0, done.stderr
    assert "made made/model.keras" in done.stdout
    error = float(done.stdout.rpartition("relative error against the original: ")[2])
    assert 1e-6 < error < 0.2
    quantized = keras.saving.load_model(tmp_path / "made" / "model.keras")
    assert any(getattr(layer, "quantization_mode", None) == "int8" for layer in quantized._flatten_layers())

    wrong = run(file, "nowhere.keras")
    assert wrong.returncode == 1
    assert wrong.stderr.strip().splitlines()[-1] == (
        "there is no model at nowhere.keras: give its file as the first argument"
    )


def test_a_class_that_is_not_there_is_one_line(tmp_path):
    with Workbench() as bench:
        source = bench.source(recipe_models.with_own_layer)
        file = tmp_path / "recipe.py"
        file.write_text(script(source, routes("keras", "litert")[0], "litert", tmp_path / "kept"))
    assert "# It needs mine>Twice of a module of yours: import it below." in file.read_text()
    done = run(file)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("import mine>Twice")


def test_settings_that_are_not_known_here_bring_the_runtime_along(tmp_path):
    """And nesting that nobody gave is a list."""
    with Workbench() as bench:
        source = bench.source(small_models.two_and_two)
        lowering = Lowering("cpu", 2, BATCH, options=(("graph_optimization", "all"),))
        file = tmp_path / "recipe.py"
        more = {"lowering": lowering, "template": None}
        file.write_text(script(source, routes("keras", "onnx")[0], "onnxruntime", tmp_path / "kept", **more))
    assert "class OnnxRuntime(Runtime):" in file.read_text()
    done = run(file)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.rpartition("relative error against the original: ")[2]) < 1e-5
