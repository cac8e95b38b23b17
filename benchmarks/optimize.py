"""Is what `optimize` finds at least as fast as what an expert makes by hand? Prints a table in Markdown.

For each model: `keras.predict`; what common advice gives (TFLiteConverter with Optimize.DEFAULT, ONNX Runtime in
float32, with dynamic and with static int8, OpenVINO with NNCF, all with their defaults); Olive's automatic
optimization, where an environment with olive-ai is given by --olive (a path to its `python`); and the best of
`optimize` at the default budget with a budget of 1% accuracy. All of them then take turns in one run, each through the
session of its runtime with numpy arrays in and out: medians in ms at batch 1, in brackets the accuracy (or agreement
with the original) on the last 300 samples. A contender that loses more than the budget allows is struck through, and
does not count. Wanted: ours is never slower than the best of the others by more than the interval.
With --train there is a second one of ours, which may train with what the model was trained with. Wanted: over the
models that were trained here, at least 1.5 times as fast as the best by hand, in the geometric mean.

Usage: python benchmarks/optimize.py [--models small_cnn,...] [--olive /path/to/python] [--train]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import seats
import subjects
from common_advice import WAYS

_SECONDS = 900
_CHECKED = 300
_TAUGHT = "ours, with training"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(subjects.EVERY))
    parser.add_argument("--olive", default="")
    parser.add_argument("--train", action="store_true")
    asked = parser.parse_args()
    columns = ["keras.predict", *WAYS, *(["Olive"] if asked.olive else []), "ours", *([_TAUGHT] if asked.train else [])]
    print(f"{dt.date.today()}, batch 1, p50 in ms\n")
    print("| model | " + " | ".join(columns) + " | ours is | ours / best of the others | held |")
    print("|" + "---|" * (len(columns) + 4))
    gains: list[float] = []
    for name in asked.models.split(","):
        print(_row(subjects.EVERY[name](), columns, asked.olive, gains), flush=True)
    if gains:
        mean = statistics.geometric_mean(gains)
        print(f"\nWith training {mean:.2f}x as fast as the best by hand, in the geometric mean of {len(gains)} models")


def _row(subject: subjects.Subject, columns: list[str], olive: str, gains: list[float]) -> str:
    import inferspeed_magic as im

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["INFERSPEED_MAGIC_CACHE"] = str(folder / "cache")
        report = im.optimize({"model": subject.model}, subject.data, max_accuracy_drop=subject.max_drop, progress=False)
        lined_up, troubles = _others(subject, folder, olive)
        best = report.best
        package = best.package
        ours = seats.Seat("ours", package.runtime, str(package.artifact), package.lowering)
        predict = report.pick(report.optimization.original).package
        taught = None
        if _TAUGHT in columns and subject.train is not None:
            with_training = im.optimize(
                {"model": subject.model},
                subject.data,
                train=subject.train,
                max_accuracy_drop=subject.max_drop,
                progress=False,
            )
            made = with_training.best.package
            taught = seats.Seat(_TAUGHT, made.runtime, str(made.artifact), made.lowering)
            lined_up.append(taught)
        lined_up += [ours, seats.Seat("keras.predict", predict.runtime, str(predict.artifact), predict.lowering)]
        scores = _scores(subject, lined_up)
        seats.race(lined_up, [subject.inputs[:1]])
        troubles |= {seat.name: seat.trouble for seat in lined_up if seat.trouble}
        measured = {seat.name: seat for seat in lined_up if not seat.trouble}
        allowed = scores.get("keras.predict", 1.0) - subject.max_drop
        rivals = [
            seat
            for name, seat in measured.items()
            if name not in ("ours", _TAUGHT) and scores.get(name, 1.0) >= allowed
        ]
        fastest = min(rivals, key=lambda seat: seat.p50_ms)
        ratio, low, high = seats.ratio(ours, fastest)
        cells = [_cell(name, measured, troubles, scores, allowed) for name in columns]
        way = best.name.partition("/")[2]
        if taught is not None:
            way += f"; with training {with_training.best.name.partition('/')[2]}"
            if _TAUGHT in measured and scores.get(_TAUGHT, 1.0) >= allowed:
                gains.append(1 / seats.ratio(taught, fastest)[0])
        verdict = f"{ratio:.2f} ({low:.2f}-{high:.2f}), {fastest.name}"
        return f"| {subject.name} | " + " | ".join(cells) + f" | {way} | {verdict} | {'yes' if low <= 1.0 else 'no'} |"


def _cell(
    name: str, measured: dict[str, seats.Seat], troubles: dict[str, str], scores: dict[str, float], allowed: float
) -> str:
    if name not in measured:
        return troubles.get(name, "-").replace("|", "/")[:60]
    text = f"{measured[name].p50_ms:.3g}"
    if name in scores:
        text += f" ({scores[name]:.1%})"
    return text if scores.get(name, 1.0) >= allowed else f"~~{text}~~"


def _others(subject: subjects.Subject, folder: Path, olive: str) -> tuple[list[seats.Seat], dict[str, str]]:
    """Make what others make, each in a process of its own."""
    model = folder / "model.keras"
    if isinstance(subject.model, str):
        model = Path(subject.model)
    else:
        subject.model.save(model)
    samples = folder / "samples.npy"
    np.save(samples, subject.inputs[:300])
    found, troubles = [], {}
    threads = len(os.sched_getaffinity(0))
    for way, (_, runtime) in WAYS.items():
        target = seats.folder_of(folder / way.replace(" ", "_"))
        made = _said(
            [
                sys.executable,
                str(Path(__file__).with_name("common_advice.py")),
                str(model),
                str(samples),
                str(target),
                way,
            ]
        )
        if made[0] is None:
            troubles[way] = made[1]
        else:
            found.append(seats.Seat(way, runtime, made[0], seats.Lowering(threads=threads)))
    float_file = next((seat.artifact for seat in found if seat.name == "ORT float32"), None)
    if olive and float_file:
        target = seats.folder_of(folder / "olive")
        made = _said([olive, str(Path(__file__).with_name("olive_advice.py")), float_file, str(samples), str(target)])
        if made[0] is None:
            troubles["Olive"] = made[1]
        else:
            found.append(seats.Seat("Olive", "onnxruntime", made[0], seats.Lowering(threads=threads)))
    return found, troubles


def _said(command: list[str]) -> tuple[str | None, str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"no end after {_SECONDS} s"
    line = next((line for line in done.stdout.splitlines() if line.startswith("made ")), None)
    if done.returncode or line is None:
        words = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["nothing said"]
        return None, f"fails: {words[-1]}"
    return line.removeprefix("made "), ""


def _scores(subject: subjects.Subject, lined_up: list[seats.Seat]) -> dict[str, float]:
    """Score everybody on the last samples: accuracy with labels, top-1 agreement with Keras without."""
    if subject.max_drop > 0.5:
        return {}
    inputs = subject.inputs[-_CHECKED:]
    answers = {}
    for seat in lined_up:
        try:
            answers[seat.name] = seats.answers(seat, [inputs])
        except Exception as error:  # noqa: BLE001  (a row of the table)
            seat.trouble = " ".join(str(error).split())[:80]
    if isinstance(subject.data, tuple):
        labels = subject.data[1][-_CHECKED:]
        return {name: float((found.argmax(-1) == labels).mean()) for name, found in answers.items()}
    original = answers["keras.predict"]
    if original.ndim == 2 and subject.name != "autoencoder":
        return {name: float((found.argmax(-1) == original.argmax(-1)).mean()) for name, found in answers.items()}
    return {name: _cosine(found, original) for name, found in answers.items()}


def _cosine(found: np.ndarray, original: np.ndarray) -> float:
    one, other = found.reshape(len(found), -1), original.reshape(len(original), -1)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float((np.sum(one * other, axis=1) / np.maximum(norms, 1e-12)).mean())


if __name__ == "__main__":
    main()
