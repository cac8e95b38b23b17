"""Does every Keras model become a file that is the same model? Prints a table in Markdown.

16 architectures x {litert, onnxruntime, openvino} x {static, dynamic batch}: each cell is the relative error of the
measured file (largest deviation from Keras's own outputs, relative to the largest output) and its median latency at
batch size 1, or why there is none. Beside it what plain ``model.export`` (Keras) gives on the same model, in a process
of its own: the same error, or what happened. Wanted: at least 46 of 48 cells (the better of static and dynamic)
measured with an error of at most 1e-4.

The weights are random. Batch normalization has the statistics of a random batch, and classifiers end without softmax:
otherwise untrained networks answer almost the same to every input, and an error could not be seen.

Usage: python benchmarks/conversions.py [--models MobileNetV2,lstm,...]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["INFERSPEED_MAGIC_CACHE"] = "off"

import keras
import numpy as np
from keras import layers

RUNTIMES = {"litert": "litert", "onnxruntime": "onnx", "openvino": "openvino"}
GOAL = 1e-4
WANTED = 46
_SECONDS = 900


class _Gate(layers.Layer):
    """A layer of the user's own."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.weight = self.add_weight(shape=(shape[-1],), initializer="random_normal")

    def call(self, x: object) -> object:
        return x * keras.ops.sigmoid(self.weight * keras.ops.mean(x, axis=1, keepdims=True))


def _conv1d_stack() -> keras.Model:
    stack = [layers.Conv1D(32 * 2**depth, 5, strides=2, padding="same", activation="relu") for depth in range(3)]
    return keras.Sequential([keras.Input((256, 8)), *stack, layers.GlobalAveragePooling1D(), layers.Dense(6)])


def _lstm() -> keras.Model:
    return keras.Sequential(
        [keras.Input((50, 16)), layers.LSTM(64, return_sequences=True), layers.LSTM(64), layers.Dense(5)]
    )


def _bidirectional_gru() -> keras.Model:
    tokens = keras.Input((40,), dtype="int32")
    hidden = layers.Embedding(1000, 32, mask_zero=True)(tokens)
    hidden = layers.Bidirectional(layers.GRU(48, return_sequences=True))(hidden)
    return keras.Model(tokens, layers.Dense(4)(layers.Bidirectional(layers.GRU(48))(hidden)))


def _transformer() -> keras.Model:
    tokens = keras.Input((64,), dtype="int32")
    hidden = layers.Embedding(1000, 96)(tokens)
    for _ in range(2):
        attended = layers.MultiHeadAttention(4, 24)(hidden, hidden)
        hidden = layers.LayerNormalization()(layers.Add()([hidden, attended]))
        wide = keras.ops.gelu(layers.Dense(384)(hidden), approximate=False)
        hidden = layers.LayerNormalization()(layers.Add()([hidden, layers.Dense(96)(wide)]))
    return keras.Model(tokens, layers.Dense(3)(layers.GlobalAveragePooling1D()(hidden)))


def _two_in_two_out() -> keras.Model:
    image, numbers = keras.Input((32, 32, 3), name="image"), keras.Input((7,), name="numbers")
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(16, 3, activation="relu")(image))
    both = layers.Concatenate()([seen, layers.Dense(16, activation="tanh")(numbers)])
    return keras.Model([image, numbers], [layers.Dense(3)(both), layers.Dense(1, activation="sigmoid")(both)])


def _custom_layer() -> keras.Model:
    return keras.Sequential([keras.Input((20, 12)), layers.Dense(32, activation="relu"), _Gate(), layers.Dense(4)])


def _application(name: str) -> keras.Model:
    side = {"InceptionV3": 299, "Xception": 299}.get(name, 224)
    kind = getattr(keras.applications, name)
    model = kind(weights=None, input_shape=(side, side, 3), classifier_activation=None)
    low, high = (0, 255) if name in RESCALES else (-1, 1)
    batch = np.random.default_rng(0).uniform(low, high, (8, side, side, 3)).astype("float32")
    everything = model._flatten_layers()  # noqa: SLF001  (also lists layers inside layers)
    norms = [each for each in everything if isinstance(each, layers.BatchNormalization)]
    momenta = [each.momentum for each in norms]
    for each in norms:
        each.momentum = 0.0
    model(batch, training=True)
    for each, momentum in zip(norms, momenta, strict=True):
        each.momentum = momentum
    return model


APPLICATIONS = (
    *("MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "ResNet50", "DenseNet121", "ConvNeXtTiny"),
    *("NASNetMobile", "InceptionV3", "Xception", "VGG16"),
)
#: These divide by 255 themselves.
RESCALES = {"MobileNetV3Small", "EfficientNetB0", "ConvNeXtTiny"}
_MAKERS = (_conv1d_stack, _lstm, _bidirectional_gru, _transformer, _two_in_two_out, _custom_layer)
OWN = {make.__name__.lstrip("_"): make for make in _MAKERS}


def _build(name: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    return OWN[name]() if name in OWN else _application(name)


def ours(name: str, model: keras.Model) -> dict[str, dict[str, dict]]:
    """Profile the files with a static and with a dynamic batch."""
    import inferspeed_magic as im

    found: dict[str, dict[str, dict]] = {runtime: {} for runtime in RUNTIMES}
    for batch in ("static", "dynamic"):
        report = im.profile({name: model}, runtimes=list(RUNTIMES), batch_in_file=batch, duration_s=0.3, progress=False)
        for row in report.to_pandas().to_dict("records"):
            found[row["runtime"]][batch] = row
    return found


def plain(name: str, runtime: str) -> str:
    """Export with Keras alone, in a process of its own, and say what came out."""
    command = [sys.executable, __file__, "--plain", name, runtime]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "hangs"
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return f"dies ({done.returncode})"
    said = json.loads(lines[-1])
    return said["failed"] if "failed" in said else f"{said['error']:.0e}"


def export_and_run(name: str, runtime: str) -> None:
    """Do so in this process: print the error of what ``model.export`` wrote, or what it raised."""
    model = _build(name)
    inputs = [_random_input(name, each) for each in model.inputs]
    expected = [np.asarray(each) for each in keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0]))]
    step = "export fails"
    try:
        with tempfile.TemporaryDirectory() as folder:
            suffix = {"litert": ".tflite", "onnx": ".onnx", "openvino": ".xml"}[RUNTIMES[runtime]]
            path = str(Path(folder) / f"model{suffix}")
            model.export(path, format=RUNTIMES[runtime], verbose=False)
            step = "does not run"
            outputs = _RUN[runtime](path, inputs)
        said = {"error": max(_error(outputs, each) for each in expected)}
    except Exception as error:  # noqa: BLE001  (whatever the exporters raise)
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        said = {"failed": step}
    print(json.dumps(said))


def _random_input(name: str, tensor: object) -> np.ndarray:
    draw, shape = np.random.default_rng(1), (1, *tensor.shape[1:])
    if "int" in str(tensor.dtype):
        return draw.integers(1, 1000, shape).astype("int32")
    return (draw.uniform(0, 255, shape) if name in RESCALES else draw.standard_normal(shape)).astype("float32")


def _error(outputs: list[np.ndarray], expected: np.ndarray) -> float:
    """Return the error of the output that fits best: plain exports keep no order."""
    fitting = [each for each in outputs if each.shape == expected.shape]
    if not fitting:
        return float("inf")
    errors = [np.max(np.abs(each - expected)) / np.max(np.abs(expected)) for each in fitting]
    return float("inf") if np.isnan(errors).all() else float(np.nanmin(errors))


def _run_litert(path: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path)
    runner = interpreter.get_signature_runner(next(iter(interpreter.get_signature_list())))
    return list(runner(**_by_shape(list(runner.get_input_details().items()), inputs)).values())


def _by_shape(details: list, inputs: list[np.ndarray]) -> dict[str, np.ndarray]:
    named = {}
    for name, detail in details:
        named[name] = next(each for each in inputs if each.ndim == len(detail["shape"]))
    return named


def _run_onnxruntime(path: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    feeds = {each.name: next(one for one in inputs if one.ndim == len(each.shape)) for each in session.get_inputs()}
    return session.run(None, feeds)


def _run_openvino(path: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
    import openvino

    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    feeds = {port: next(one for one in inputs if one.ndim == len(port.partial_shape)) for port in compiled.inputs}
    return list(compiled(feeds).values())


_RUN = {"litert": _run_litert, "onnxruntime": _run_onnxruntime, "openvino": _run_openvino}


def _cell(row: dict) -> str:
    if row["status"] != "measured":
        return row["status"]
    return f"{row['relative_error']:.0e}, {row['p50_ms']:.3g} ms"


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default=",".join((*APPLICATIONS, *OWN)))
    parser.add_argument("--plain", nargs=2)
    options = parser.parse_args()
    if options.plain:
        export_and_run(*options.plain)
        return
    from inferspeed_magic.measurement.machine import describe

    machine = describe()
    today = dt.datetime.now().astimezone().date()
    print(f"{today}, {machine.cpu}, {machine.cores_given} cores, {machine.operating_system}")
    print("\n| model | " + " | ".join(f"{each} static | {each} dynamic | plain export" for each in RUNTIMES) + " |")
    print("|---" * (1 + 3 * len(RUNTIMES)) + "|", flush=True)
    names = options.models.split(",")
    good, misses, plain_good = 0, [], 0
    for name in names:
        rows = ours(name, _build(name))
        cells = []
        for runtime in RUNTIMES:
            exported = plain(name, runtime)
            pair = [rows[runtime][batch] for batch in ("static", "dynamic")]
            held = any(row["status"] == "measured" and row["relative_error"] <= GOAL for row in pair)
            good += held
            plain_good += "e" in exported and exported[0].isdigit() and float(exported) <= GOAL
            misses += [] if held else [f"{name} on {runtime}: {pair[0]['reason'] or pair[0]['relative_error']}"]
            cells += [*map(_cell, pair), exported]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    total = len(names) * len(RUNTIMES)
    print(f"\n{good} of {total} cells measured with an error of at most {GOAL:.0e} (wanted: {WANTED} of 48); ", end="")
    print(f"plain export: {plain_good} of {total}")
    for miss in misses:
        print(f"- {miss}")


if __name__ == "__main__":
    _main()
