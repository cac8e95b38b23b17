"""Time until the first number, and until the report.

The default run on the two CNNs of notebook 01, all runtimes, with Keras already imported, as in a notebook. Prints a
table in Markdown; compares with the promise (10 s and 60 s).

Usage: python benchmarks/first_numbers.py [--runs 3]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import statistics

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers

import inferspeed_magic as im


def models() -> dict[str, keras.Model]:
    """Build the deep, narrow and the shallow, wide CNN."""
    image = (28, 28, 1)
    deep = keras.Sequential(
        [
            keras.Input(image),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    wide = keras.Sequential(
        [
            keras.Input(image),
            layers.Conv2D(256, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    return {"deep": deep, "wide": wide}


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=3)
    runs = arguments.parse_args().runs
    records = [im.profile(models(), progress=False).record for _ in range(runs)]
    machine = records[0].machine
    measured = sum(result.status == "measured" for result in records[0].results)
    print(f"{dt.date.today()}, {machine.cpu}, {machine.cores_given} cores, {machine.operating_system}\n")
    print(f"| {measured} candidates (2 models), {runs} runs | median | worst | promised |\n|---|---|---|---|")
    for label, values, promise in (
        ("first number", [record.first_numbers_s for record in records], 10),
        ("report", [record.elapsed_s for record in records], 60),
    ):
        known = [value for value in values if value is not None]
        print(f"| {label} | {statistics.median(known):.1f} s | {max(known):.1f} s | {promise} s |")


if __name__ == "__main__":
    main()
