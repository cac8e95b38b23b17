"""Models that others trained, on every runtime of this machine: measured, agreeing, and as accurate as they were."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from workbench import Workbench

import inferspeed_magic as im
from inferspeed_magic.discovery import runtimes
from inferspeed_magic.formats.agreement import best_order, relative_error
from inferspeed_magic.sources.source import from_keras_file

pytestmark = pytest.mark.wild
TOLERANCE = 1e-3
#: What cannot be done with files of other formats than Keras's, and why.
NO_KERAS = dict.fromkeys(["keras.predict", "keras.call", "keras.compiled", "keras.xla"], "cannot be turned back into")
FORBIDDEN = {
    "pitch_saved_model": {
        "keras.predict": "a SavedModel has no predict",
        "keras.call": "a SavedModel holds compiled functions only",
    },
    "pitch_onnx": NO_KERAS | {"litert": "no converter from ONNX to LiteRT"},
    "pitch_litert": NO_KERAS,
}
NOTES = {"keyword_spotting": "read through tf_keras, since Keras 3 refuses the file: Unrecognized keyword arguments"}
ROWS = 500


@pytest.mark.parametrize(
    "name",
    [
        *("sudoku_ocr", "image_classification", "keyword_spotting", "pitch_onnx", "pitch_litert"),
        *(
            pytest.param(name, marks=pytest.mark.extended)
            for name in ("emotions", "anomaly_detection", "micro_speech", "phylodeep", "pitch_saved_model")
        ),
    ],
)
def test_measured_on_every_runtime(wild, name):
    report = im.profile({name: wild(name)}, duration_s=0.05, progress=False)
    assert [result.runtime for result in report.results] == list(runtimes())
    measured = 0
    for result in report.results:
        forbidden = FORBIDDEN.get(name, {}).get(result.runtime)
        if not runtimes()[result.runtime].availability().available:
            assert result.status == "unavailable"
        elif forbidden:
            assert result.status == "unsupported"
            assert forbidden in result.reason
        else:
            assert result.status == "measured", f"{result.runtime}: {result.reason}"
            assert result.relative_error <= TOLERANCE
            assert result.precision == "float32"
            assert result.summary.p50_ms.value > 0
            assert result.summary.samples == sum(len(block.latencies_ns) for block in result.measurement.blocks)
            assert any(NOTES.get(name, "") in note for note in result.notes or ("",))
            measured += 1
    assert measured >= 1
    assert name in repr(report)


@pytest.fixture(scope="module")
def digits(wild):
    """5,000 labelled digits: pixels 0 to 1, and what they show."""
    with gzip.open(wild("mnist"), "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype="float32")
    return (table[:, :-1] / 255).reshape(-1, 28, 28, 1), table[:, -1].astype(int)


@pytest.fixture(scope="module")
def reader(wild):
    return from_keras_file("sudoku_ocr", wild("sudoku_ocr"), None, None)


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


@pytest.fixture(scope="module")
def answers_of_keras(reader, digits):
    images, labels = digits
    found = reader.outputs([images])[0].argmax(axis=-1)
    assert (found == labels).mean() >= 0.99
    return found


@pytest.mark.parametrize("name", runtimes())
def test_digits_are_read_as_well_as_by_keras(bench, reader, digits, answers_of_keras, name):
    runtime = runtimes()[name]
    if not runtime.availability().available:
        pytest.skip(runtime.availability().reason)
    images, labels = digits
    batches = [[np.ascontiguousarray(images[start : start + ROWS])] for start in range(0, len(images), ROWS)]
    opened = bench.open(runtime, bench.artifact(reader, runtime, ROWS), batches[:1])
    found = np.concatenate([opened.run(batch)[0].argmax(axis=-1) for batch in batches])
    assert len(found) == len(labels) == 5000
    assert (found == labels).mean() >= 0.99
    assert (found == answers_of_keras).mean() >= 0.999


def test_the_authors_own_conversions_answer_alike(bench, wild):
    """Two files of one model, opened as they are: a check that does not rest on our conversions."""
    batch = [np.random.default_rng(0).standard_normal((1, 43844, 1)).astype("float32")]
    outputs = [
        bench.open(runtimes()[runtime], str(wild(name)), [batch]).outputs[0]
        for runtime, name in (("onnxruntime", "pitch_onnx"), ("litert", "pitch_litert"))
    ]
    order = best_order(outputs[0], outputs[1])
    assert relative_error([outputs[0][position] for position in order], outputs[1]) <= TOLERANCE
