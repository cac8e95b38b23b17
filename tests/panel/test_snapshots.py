"""The panel word by word: every change of it shows in a diff."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
from panel_records import OPTIMIZED, trained, twenty
from profile_records import usual

from inferspeed_magic.panel import profile_view
from inferspeed_magic.report import OptimizeReport, Report

FOLDER = Path(__file__).with_name("snapshots")


def view(made):
    given = dataclasses.asdict(profile_view(made, Report(made)._speedups))
    return json.dumps(given, indent=1, ensure_ascii=False, allow_nan=False)


SNAPSHOTS = {
    "usual.txt": lambda: repr(Report(usual())),
    "twenty.txt": lambda: repr(Report(twenty())),
    "interrupted.txt": lambda: repr(Report(usual(interrupted=True, notes=("inputs were made up",)))),
    "usual-view.json": lambda: view(usual()),
    "optimized.txt": lambda: repr(OptimizeReport(OPTIMIZED["usual"]())),
    "optimized-without-winner.txt": lambda: repr(OptimizeReport(OPTIMIZED["without_winner"]())),
    "optimized-unlabelled.txt": lambda: repr(OptimizeReport(OPTIMIZED["unlabelled"]())),
    "optimized-losses.txt": lambda: repr(OptimizeReport(OPTIMIZED["losses"]())),
    "optimized-trained.txt": lambda: repr(OptimizeReport(trained())),
    "optimized-interrupted.txt": lambda: repr(OptimizeReport(OPTIMIZED["interrupted"]())),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_it_reads_as_it_did(name):
    made, path = SNAPSHOTS[name]() + "\n", FOLDER / name
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8", newline="\n")
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    assert made == kept, f"{name} has changed; if that is meant, UPDATE_SNAPSHOTS=1 writes it anew: look at its diff"


def test_no_snapshot_is_forgotten():
    assert {path.name for path in FOLDER.iterdir()} == set(SNAPSHOTS)
