"""Is a narrower model really faster, and is one that is full of zeros? Prints a table in Markdown.

Three models are trained on Fashion-MNIST: a plain CNN, a ResNet8 and a small MobileNet. Of each, channels are removed
in the two ways of which `%optimize --train` chooses the better one: for 30, 50 and 65% less time (which channels take
the time of the runtime that is fastest for the original is measured, and so is what they are worth), and 30, 50 and 65%
of them by the norm of their weights. Widths are those that its kernels like; what is left learns again (half at most at
once, --epochs after each time).
Compared with tensorflow-model-optimization's unstructured magnitude pruning: as large a share of the kernels' weights
becomes zero as is gone with the channels, while the twin in tf_keras goes on learning, for as many epochs in all.

All become plain float32 files for batch 1 on that runtime, are checked against Keras's outputs, and take turns in one
run. Medians in ms; in brackets the accuracy on 8,000 pictures that no training saw, and how many times as fast as the
original, with its 95% interval. Drops of accuracy are counted from the better of the original and the original after as
much more training as any of them had, so that nobody wins by training alone.
Wanted: structured pruning alone at least twice as fast (the whole interval) with a drop of at most 1 percentage point.

Usage: python benchmarks/structured.py [--models fashion_cnn,...] [--epochs 4] [--runtimes litert,onnxruntime]
           [--multiple-of 1]
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import seats
import subjects

from inferspeed_magic.diagnosis.accuracy_drop import drop_interval
from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.formats.agreement import TOLERANCES, relative_error
from inferspeed_magic.formats.routes import Step, routes
from inferspeed_magic.measurement.machine import describe
from inferspeed_magic.profiling import arguments
from inferspeed_magic.profiling.candidate import Candidate
from inferspeed_magic.profiling.conversion import Converter
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.liked_widths import liked_widths
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.profiling.opening import Opener
from inferspeed_magic.search.elasticity import Narrower
from inferspeed_magic.search.narrowing import Narrowing
from inferspeed_magic.sources import live
from inferspeed_magic.sources.portable import read
from inferspeed_magic.techniques import pruning_trainer
from inferspeed_magic.techniques.base import ON_MODEL
from inferspeed_magic.techniques.kernels import kernels_of
from inferspeed_magic.techniques.masks import sparsity_of
from inferspeed_magic.training import LOG, Lesson, learn, write_lesson
from inferspeed_magic.workers.crew import Crew

MODELS = ("fashion_cnn", "fashion_resnet8", "fashion_mobilenet")
#: Percent of the latency, or of the channels, that is to go.
PERCENTS = (30, 50, 65)
NONE = "none"
WANTED = 2.0
#: Of the pictures that the model was not trained with: the others tell training when to stop.
_SCORED = 8000
_COMPARED = 500
_FORMATS = {
    "litert": ("litert", "model.tflite"),
    "onnxruntime": ("onnx", "model.onnx"),
    "openvino": ("openvino_ir", "model.xml"),
}
_FILES = {"saved_model": "saved", "graph": "graph", **dict(_FORMATS.values())}
_REMOVAL = techniques()["structured_pruning"].steps[ON_MODEL]


@dataclass
class Version:
    """One row of the table, on its way.

    Attributes:
        name: in it.
        removed: what was asked for.
        kind: ``original``, ``structured`` or ``unstructured``.
        folder: of the Keras model.
        weights: how many there are that are no zeros, of its kernels.
        right: which of the pictures it names right, through Keras.
    """

    name: str
    removed: str
    kind: str
    folder: Path
    weights: int = 0
    right: np.ndarray | None = None


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS), help=f"of {', '.join(subjects.EVERY)} (three of these)")
    parser.add_argument("--epochs", type=int, default=4, help="after each time that channels are removed (4)")
    parser.add_argument("--runtimes", default="", help="in place of the one that is fastest for the original")
    parser.add_argument("--multiple-of", type=int, default=0, help="in place of what the first runtime likes")
    asked = parser.parse_args()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # one model after the other is traced: no sign of trouble
    print(f"{dt.date.today()}, batch 1, float32, {len(os.sched_getaffinity(0))} threads, p50 in ms\n")
    print("| model | runtime | channels removed | structured | weights left | unstructured, as many weights left |")
    print("|---|---|---|---|---|---|")
    verdicts = []
    for name in asked.models.split(","):
        with tempfile.TemporaryDirectory() as place:
            verdicts += _table(subjects.EVERY[name](), Path(place), asked)
    print("\n" + "\n".join(f"- {line}" for line in verdicts))


def _table(subject: subjects.Subject, folder: Path, asked: argparse.Namespace) -> list[str]:
    """Print the rows of one model; give what there is to say about it, one line for each runtime."""
    began = time.perf_counter()
    x, y = subject.data
    scored = x[:_SCORED], y[:_SCORED]
    source = _written(subject, folder)
    chosen = asked.runtimes.split(",") if asked.runtimes else [_fastest(source, x[:1], folder)]
    narrowing = _narrowing(subject, chosen[0], asked.multiple_of)
    versions, trained_on = _versions(subject, source, folder, asked.epochs, narrowing)
    for version in versions:
        _score(version, scored)
    best = max(versions[0].right, trained_on, key=np.mean)
    trained_s, began = time.perf_counter() - began, time.perf_counter()
    lined_up = {
        (version.name, runtime): _seat(version, runtime, folder, x[:_COMPARED])
        for runtime in chosen
        for version in versions
    }
    seats.race(list(lined_up.values()), [x[:1]])
    verdicts = []
    for runtime in chosen:
        for removed in dict.fromkeys(version.removed for version in versions):
            (narrow, left), (zeros, _) = (
                _cells(versions, kind if removed != NONE else "original", removed, lined_up, runtime)
                for kind in ("structured", "unstructured")
            )
            print(f"| {subject.name} | {runtime} | {removed} | {narrow} | {left} | {zeros} |", flush=True)
        verdicts.append(f"{subject.name} on {runtime}: {_verdict(versions, best, lined_up, runtime)}")
    print(
        f"{subject.name}: accuracy {versions[0].right.mean():.2%}, after more training {trained_on.mean():.2%}; "
        f"{trained_s:.0f} s of training, {time.perf_counter() - began:.0f} s of converting and measuring",
        file=sys.stderr,
    )
    return verdicts


def _written(subject: subjects.Subject, folder: Path) -> Path:
    source = folder / "original"
    signature, template = live.describe("model", subject.model)
    live.write(source, subject.model, "keras", live.manifest("keras", signature, template))
    return source


def _narrowing(subject: subjects.Subject, runtime: str, multiple_of: int) -> Narrowing:
    """Measure which widths a runtime likes, and which channels take its time."""
    threads = len(os.sched_getaffinity(0))
    with Crew() as crew:
        if not multiple_of:
            liked = liked_widths(crew, LIMITS, describe(), runtimes()[runtime])
            multiple_of = liked.multiple_of if liked else 1
        (source,) = arguments.sources({"model": subject.model}, None, None, lambda *_: {})
        source.try_out(0)
        converter = Converter(crew, LIMITS, environment(None, "cpu"))
        candidate = Candidate(source, runtimes()[runtime], seats.Lowering("cpu", threads, 1), "static")
        inputs = Opener(crew, converter, LIMITS, seed=0, device="cpu").inputs(candidate)
        narrower = Narrower(crew, converter, LIMITS, candidate, inputs=inputs, tell=lambda _: None)
        powers = narrower.elasticities(multiple_of, limit_s=600).powers
        converter.close()
    said = ", ".join(f"{name} {power:.2f}" for name, power in sorted(powers.items(), key=lambda item: -item[1]))
    print(
        f"{runtime} likes multiples of {multiple_of}; powers of widths that its time goes with: {said}", file=sys.stderr
    )
    return Narrowing(multiple_of, powers)


def _versions(
    subject: subjects.Subject, source: Path, folder: Path, epochs: int, narrowing: Narrowing
) -> tuple[list[Version], np.ndarray]:
    """Prune in both ways, each from the original; and train the original on, which says what training alone brings."""
    import keras

    x, y = subject.data
    lesson = Lesson(
        [subject.train[0]],
        [subject.train[1]],
        check_inputs=[x[_SCORED:]],
        check_labels=[y[_SCORED:]],
        epochs=epochs,
        batch_size=64,
        limit_s=3600.0,  # epochs decide, so that all learn equally long on any machine
        loss="sparse_categorical_crossentropy",
        optimizer=keras.optimizers.serialize(subject.model.optimizer),
    )
    found, most = [Version("original", NONE, "original", source)], epochs
    whole = _weights_left(source)
    removals = [(way, percent) for way in narrowing.ways() for percent in PERCENTS]
    for place, (way, percent) in enumerate(removals):
        step, said = way.step(_REMOVAL, percent)
        said = said if "time" in said else f"{said} of them"
        narrow, zeros = (
            Version(f"{kind}_{place}", said, kind, folder / f"{kind}_{place}")
            for kind in ("structured", "unstructured")
        )
        taught = folder / f"lesson_{place}"
        write_lesson(taught, lesson)
        _called(step, source, narrow.folder, lesson=str(taught))
        seen = len((taught / LOG).read_text().splitlines())
        as_long = folder / f"lesson_zeros_{place}"
        write_lesson(as_long, replace(lesson, epochs=seen))
        with mock.patch.object(pruning_trainer, "learn", _only_tfmot):
            pruning_trainer.prune(
                {},
                batch_size=None,
                inputs=[],
                source=str(source),
                target=str(zeros.folder),
                sparsity_percent=round(100 * (1 - _weights_left(narrow.folder) / whole)),
                pattern="unstructured",
                lesson=str(as_long),
            )
        if abs(_weights_left(zeros.folder) - _weights_left(narrow.folder)) > 0.02 * whole:
            raise SystemExit(f"{zeros.name} has {_weights_left(zeros.folder):,} of {whole:,} weights left")
        found += [narrow, zeros]
        most = max(most, seen)
    teacher, student = read(str(source)), read(str(source))
    learn(student.model, teacher.model, replace(lesson, epochs=most), pack=teacher.pack)
    answers = student.model.predict(x[:_SCORED], batch_size=256, verbose=0)
    return found, answers.argmax(-1) == y[:_SCORED]


def _called(step: Step, source: Path, target: Path, **more: Any) -> None:
    """Do in this process what a search has its converter do."""
    module, function = step.call.split(":")
    call = getattr(import_module(module), function)
    call(
        {}, source=str(source), target=str(target), **{"batch_size": None, "inputs": [], **dict(step.settings), **more}
    )


def _only_tfmot(*_: Any, **__: Any) -> Any:
    raise RuntimeError("tfmot does not prune this model, and masks of our own are not what is compared here")


def _weights_left(folder: Path) -> int:
    """Count the weights of kernels that are no zeros."""
    arrays = [variable.numpy() for _, variable in kernels_of(read(str(folder)).model)]
    return round(sum(array.size for array in arrays) * (1.0 - sparsity_of(arrays)))


def _score(version: Version, scored: tuple[np.ndarray, np.ndarray]) -> None:
    version.weights = _weights_left(version.folder)
    answers = read(str(version.folder)).model.predict(scored[0], batch_size=256, verbose=0)
    version.right = answers.argmax(-1) == scored[1]


def _seat(version: Version, runtime: str, folder: Path, inputs: np.ndarray) -> seats.Seat:
    """Convert, and make sure that the file is the same model."""
    place = seats.folder_of(folder / f"{version.name}_{runtime}")
    path, portable = str(version.folder), read(str(version.folder))
    specs = [{"name": "x", "shape": list(inputs.shape[1:]), "dtype": "float32"}]
    for number, step in enumerate(routes("keras", _FORMATS[runtime][0])[0]):
        target = seats.folder_of(place / str(number)) / _FILES[step.makes]
        _called(step, Path(path), target, batch_size=1 if step.static else None, inputs=specs)
        path = str(target)
    seat = seats.Seat(f"{version.name}/{runtime}", runtime, path, seats.Lowering(threads=len(os.sched_getaffinity(0))))
    expected = portable.model.predict(inputs, batch_size=256, verbose=0)
    error = relative_error([seats.answers(seat, [inputs])], [expected])
    if not error <= TOLERANCES["float32"]:
        raise SystemExit(f"{seat.name} is another model: its outputs differ by {error:.1e}")
    return seat


def _fastest(source: Path, inputs: np.ndarray, folder: Path) -> str:
    """Let the original take turns on all file runtimes."""
    version = Version("original", NONE, "original", source)
    rivals = [_seat(version, runtime, folder / "choice", np.repeat(inputs, 2, axis=0)) for runtime in _FORMATS]
    seats.race(rivals, [inputs])
    said = ", ".join(f"{seat.runtime} {seat.p50_ms:.3g} ms" for seat in rivals)
    print(f"the original on {said}", file=sys.stderr)
    return min(rivals, key=lambda seat: seat.p50_ms).runtime


def _cells(
    versions: list[Version], kind: str, removed: str, lined_up: dict[tuple[str, str], seats.Seat], runtime: str
) -> list[str]:
    version = next(each for each in versions if (each.kind, each.removed) == (kind, removed))
    seat, original = lined_up[version.name, runtime], lined_up[versions[0].name, runtime]
    if seat.trouble:
        return [seat.trouble.replace("|", "/")[:60], "-"]
    text = f"{seat.p50_ms:.3g} ({version.right.mean():.1%}"
    if seat is not original:
        ratio, low, high = seats.ratio(original, seat)
        text += f", {ratio:.2f}x ({low:.2f}-{high:.2f})"
    return [f"{text})", f"{version.weights / versions[0].weights:.0%}"]


def _verdict(
    versions: list[Version], best: np.ndarray, lined_up: dict[tuple[str, str], seats.Seat], runtime: str
) -> str:
    """Say how fast each way is within 1 percentage point."""
    original = lined_up[versions[0].name, runtime]
    said, held = [], "no"
    for kind in ("structured", "unstructured"):
        able = []
        for version in versions:
            seat = lined_up[version.name, runtime]
            drop = drop_interval(best.astype(float), version.right.astype(float), higher_is_better=True, relative=False)
            if version.kind == kind and not seat.trouble and drop.value <= 0.01:
                able.append((seats.ratio(original, seat), version, drop))
        if not able:
            said.append(f"{kind} pruning: none within 1 percentage point")
            continue
        (ratio, low, high), version, drop = max(able, key=lambda each: each[0][0])
        if kind == "structured" and low >= WANTED:
            held = "yes"
        said.append(
            f"{kind} pruning: {ratio:.2f}x ({low:.2f}-{high:.2f}) as fast ({version.removed}), drop "
            f"{100 * drop.value:.2f} percentage points ({100 * drop.low:.2f} to {100 * drop.high:.2f})"
        )
    return f"within 1 percentage point {'; '.join(said)}. Structured alone at least {WANTED:.0f}x: {held}"


if __name__ == "__main__":
    main()
