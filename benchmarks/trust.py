"""Can the numbers be trusted? Four checks, each with a known answer. Prints a table in Markdown.

(a) A/A: the same file entered twice must not be declared different (at most 5% of comparisons).
(b) A delay of 5% and 10% put into a runtime must be found (at least 90% of runs) and sized within 2 points.
(c) 95% intervals must hold the true median in at least 93% of simulated runs, drifting and heavy-tailed ones too.
(d) Our median against the runtimes' own harnesses on the same file, taking turns: within 5%. Compared with
    ``benchmark_app`` (openvino), ``litert-benchmark`` (ai-edge-litert) and a bare loop around ONNX Runtime.

Usage: python benchmarks/trust.py [--part a,b,c,d] [--runs 1.0]     (--runs scales the number of repetitions)
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import inferspeed_magic as im
from inferspeed_magic.diagnosis import median_interval
from inferspeed_magic.diagnosis.simulation import SCENARIOS, simulate
from inferspeed_magic.discovery import runtimes
from inferspeed_magic.measurement.machine import describe

_THREADS = "2"
_CHECKS = 8


def make_files(folder: Path) -> dict[str, dict[str, Path]]:
    """Convert a small and a middle-sized CNN to ONNX and LiteRT; in a process of its own, to leave TensorFlow there."""
    subprocess.run([sys.executable, __file__, "--make-files", str(folder)], check=True, capture_output=True)
    return {
        size: {"onnx": folder / f"{size}.onnx", "litert": folder / f"{size}.tflite"} for size in ("small", "middle")
    }


def _make_files(folder: Path) -> None:
    import keras
    from keras import layers

    from inferspeed_magic.formats import frozen_graph, litert, onnx, saved_model
    from inferspeed_magic.sources import live

    def cnn(side: int, widths: tuple[int, ...]) -> keras.Model:
        stack = [keras.Input((side, side, 3))]
        for width in widths:
            stack += [layers.Conv2D(width, 3, padding="same", activation="relu"), layers.MaxPooling2D()]
        return keras.Sequential([*stack, layers.Flatten(), layers.Dense(10, activation="softmax")])

    for size, model in (("small", cnn(32, (32, 64))), ("middle", cnn(96, (32, 64, 128, 128)))):
        signature, template = live.describe(size, model) or (None, None)
        facts = live.manifest("keras", signature, template)
        live.write(folder / f"{size}_keras", model, "keras", facts)
        state: dict[str, object] = {}
        shared = {"batch_size": 1, "inputs": facts["inputs"]}
        source, graph, saved = (str(folder / f"{size}_{what}") for what in ("keras", "graph", "saved"))
        frozen_graph.freeze(state, source=source, target=graph, **shared)
        onnx.from_graph(state, source=graph, target=str(folder / f"{size}.onnx"), **shared)
        saved_model.freeze(state, source=source, target=saved, **shared)
        litert.convert(state, source=saved, target=str(folder / f"{size}.tflite"), **shared)


def same_file_twice(files: dict[str, dict[str, Path]], scale: float) -> list[str]:
    """Check (a): four entries of one file a run give two comparisons for each runtime that opens it."""
    verdicts = []
    seed = 0
    while len(verdicts) < 100 * scale:
        for fmt, names in (("onnx", ["onnxruntime", "openvino"]), ("litert", ["litert"])):
            seed += 1
            entries = dict.fromkeys("abcd", files["small"][fmt])
            report = im.profile(entries, runtimes=names, seed=seed, batch_in_file="static", progress=False)
            verdicts += [
                report.compare(f"{first}/{name}", f"{second}/{name}")
                for name in names
                for first, second in (("a", "b"), ("c", "d"))
            ]
    wrong = sum(verdict.significant for verdict in verdicts)
    widths = [max(verdict.high - 1, 1 - verdict.low) for verdict in verdicts]
    return [
        f"(a) A/A: the same file entered twice, {len(verdicts)} comparisons on litert, onnxruntime and openvino",
        f"{100 * wrong / len(verdicts):.1f}% declared different "
        f"(median resolution {100 * statistics.median(widths):.1f}%)",
        "at most 5%",
        _mark(wrong / len(verdicts) <= 0.05),
    ]


def known_delay(files: dict[str, dict[str, Path]], scale: float) -> list[list[str]]:
    """Check (b): a runtime that is slower by a known share."""
    from delayed import DelayedBy0, DelayedBy5, DelayedBy10

    for kind in (DelayedBy0, DelayedBy5, DelayedBy10):
        runtimes()[kind.name] = kind()
    found: dict[int, list[object]] = {5: [], 10: []}
    for seed in range(round(40 * scale)):
        report = im.profile(
            {"cnn": files["small"]["onnx"]},
            runtimes=["delayed_0", "delayed_5", "delayed_10"],
            seed=seed,
            batch_in_file="static",
            progress=False,
        )
        for percent, verdicts in found.items():
            verdicts.append(report.compare(f"cnn/delayed_{percent}", "cnn/delayed_0"))
    rows = []
    for percent, verdicts in found.items():
        detected = np.mean([verdict.significant and verdict.ratio > 1 for verdict in verdicts])
        off = np.array([100 * (verdict.ratio - 1) - percent for verdict in verdicts])
        rows.append(
            [
                f"(b) a delay of {percent}% put into onnxruntime, {len(verdicts)} runs",
                f"found in {100 * detected:.0f}%; median estimate {percent + np.median(off):.1f}%, "
                f"within 2 points in {100 * np.mean(np.abs(off) <= 2):.0f}%",
                "found in at least 90%, within 2 points",
                _mark(detected >= 0.9 and abs(np.median(off)) <= 2 and np.mean(np.abs(off) <= 2) >= 0.9),
            ]
        )
    return rows


def coverage(scale: float) -> list[str]:
    """Check (c): simulated runs, whose true median is known."""
    rates: dict[str, float] = {}
    for name in SCENARIOS:
        hits = []
        for seed in range(round(300 * scale)):
            interval = median_interval(simulate(name, processes=2, seed=seed))
            hits.append(interval.low <= 1.0 <= interval.high)
        rates[name] = float(np.mean(hits))
    worst = min(rates, key=lambda name: rates[name])
    return [
        f"(c) 95% intervals, {len(rates)} kinds of noise (drift, heavy tails, two modes, unlike processes), "
        f"{round(300 * scale)} simulated runs each",
        f"hold the true median in {100 * statistics.mean(rates.values()):.1f}%; "
        f"worst kind {worst}: {100 * rates[worst]:.1f}%",
        "at least 93%",
        _mark(min(rates.values()) >= 0.93),
    ]


def other_harnesses(files: dict[str, dict[str, Path]], scale: float) -> list[list[str]]:
    """Check (d): the same file, ours and theirs in turns."""
    harnesses = {
        "onnxruntime": ("a bare Python loop", _bare_loop, files["middle"]["onnx"]),
        "openvino": ("benchmark_app", _benchmark_app, files["middle"]["onnx"]),
        "litert": ("litert-benchmark", _litert_benchmark, files["middle"]["litert"]),
    }
    rows = []
    for runtime, (name, harness, file) in harnesses.items():
        ratios, ours_ms, theirs_ms = [], [], []
        for seed in range(max(3, round(_CHECKS * scale))):
            report = im.profile(
                {"cnn": file},
                runtimes=[runtime],
                seed=seed,
                batch_in_file="static",
                progress=False,
                threads=int(_THREADS),
            )
            ours = report.results[0].summary.p50_ms.value
            theirs = harness(file)
            ours_ms.append(ours)
            theirs_ms.append(theirs)
            ratios.append(ours / theirs)
        ratio = statistics.median(ratios)
        rows.append(
            [
                f"(d) our median on {runtime} against {name}, {len(ratios)} turns",
                f"{statistics.median(ours_ms):.3f} ms against {statistics.median(theirs_ms):.3f} ms: "
                f"{100 * (ratio - 1):+.1f}%",
                "within 5%",
                _mark(abs(ratio - 1) <= 0.05),
            ]
        )
    return rows


def _benchmark_app(file: Path) -> float:
    command = ["benchmark_app", "-m", str(file), "-d", "CPU", "-hint", "none", "-api", "sync", "-nireq", "1"]
    command += ["-nstreams", "1", "-nthreads", _THREADS, "-infer_precision", "f32", "-t", "2"]
    said = _run(command)
    found = re.search(r"Median:\s+([\d.]+) ms", said)
    if found is None:
        raise RuntimeError(said[-2000:])
    return float(found.group(1))


def _litert_benchmark(file: Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "result.json"
        command = ["litert-benchmark", "--model", str(file), "--num_threads", _THREADS, "--warmup_runs", "100"]
        said = _run([*command, "--num_runs", "800", "--result_json", str(target)])
        result = json.loads(target.read_text()) if target.is_file() else {}
    flat = {key: value for key, value in _flatten(result) if isinstance(value, int | float)}
    for key, value in flat.items():
        if re.search(r"(median|p50).*ms", key):
            return float(value)
        if re.search(r"(median|p50).*us", key):
            return float(value) / 1e3
    raise RuntimeError(f"{flat} {said[-2000:]}")


def _flatten(part: object, prefix: str = "") -> list[tuple[str, object]]:
    if isinstance(part, dict):
        return [pair for key, value in part.items() for pair in _flatten(value, f"{prefix}{key}.")]
    return [(prefix, part)]


def _bare_loop(file: Path) -> float:
    code = (
        "import sys, time, statistics, numpy as np, onnxruntime as ort\n"
        "o = ort.SessionOptions(); o.intra_op_num_threads = int(sys.argv[2]); o.inter_op_num_threads = 1\n"
        "s = ort.InferenceSession(sys.argv[1], o, providers=['CPUExecutionProvider'])\n"
        "i = s.get_inputs()[0]; x = np.random.default_rng(0).standard_normal(i.shape).astype('float32')\n"
        "for _ in range(100): s.run(None, {i.name: x})\n"
        "t = []\n"
        "for _ in range(800):\n"
        "    a = time.perf_counter(); s.run(None, {i.name: x}); t.append(time.perf_counter() - a)\n"
        "print(1e3 * statistics.median(t))\n"
    )
    return float(_run([sys.executable, "-c", code, str(file), _THREADS]).split()[-1])


def _run(command: list[str]) -> str:
    """Run a program that comes with our own interpreter."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "PATH": path})
    return done.stdout + done.stderr


def _mark(passed: object) -> str:
    return "yes" if passed else "NO"


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--part", default="a,b,c,d")
    arguments.add_argument("--runs", type=float, default=1.0)
    arguments.add_argument("--make-files", type=Path)
    asked = arguments.parse_args()
    if asked.make_files:
        _make_files(asked.make_files)
        return
    machine = describe()
    print(f"{dt.date.today()}, {machine.cpu}, {machine.cores_given} cores, {machine.operating_system}\n")
    print("| check | seen | wanted | held |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder)) if set("abd") & set(asked.part) else {}
        parts = {
            "a": lambda: [same_file_twice(files, asked.runs)],
            "b": lambda: known_delay(files, asked.runs),
            "c": lambda: [coverage(asked.runs)],
            "d": lambda: other_harnesses(files, asked.runs),
        }
        for part in asked.part.split(","):
            for row in parts[part]():
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
