"""What earlier runs found out, and what becomes of it when files are damaged."""

from __future__ import annotations

from dataclasses import replace

import profile_records
import pytest

from inferspeed_magic.records import Accuracy, Epoch, Interval
from inferspeed_magic.search.ledger import Ledger


@pytest.fixture
def file(tmp_path):
    return tmp_path / "searches" / "one.json"


@pytest.fixture
def result():
    accuracy = Accuracy(0.9, 0.91, Interval(0.01, 0.0, 0.02), 500)
    return replace(profile_records.result("net/litert"), selection=accuracy, summary=None)


def test_what_was_noted_is_found_by_the_next(file, result):
    Ledger(file).note(result, "2026-11-22T10:00")
    found = Ledger(file).find("net/litert")
    assert found.selection == result.selection
    assert found.notes[-1] == "measured in an earlier run, 2026-11-22T10:00"
    # Its rounds are not those of the run that reads it.
    assert min(block.round for block in found.measurement.blocks) >= 1_000_000
    assert found.summary.p50_ms.value > 0


def test_how_it_was_trained_is_kept(file, result):
    epochs = (Epoch(1, 0.5, 0.6, 2.0, 0.91),)
    Ledger(file).note(replace(result, training=epochs), "then")
    assert Ledger(file).find("net/litert").training == epochs


def test_what_was_trained_before_is_found_by_its_technique(file, result):
    epochs = (Epoch(1, 0.5, 0.6, 2.0, 0.91),)
    ledger = Ledger(file)
    ledger.note(result, "then")
    ledger.note(replace(result, technique="structured_pruning"), "then")  # without training
    assert Ledger(file).trained("structured_pruning") == []
    settings = (("multiple_of", "8"),)
    pruned = replace(result, technique="structured_pruning+float16", training=epochs, settings=settings)
    ledger.note(pruned, "then")
    (found,) = Ledger(file).trained("structured_pruning")
    assert found.settings == settings
    assert Ledger(file).trained("distillation") == []


def test_several_results_live_side_by_side(file, result):
    ledger = Ledger(file)
    ledger.note(result, "then")
    ledger.note(replace(result, runtime="openvino"), "then")
    assert Ledger(file).find("net/litert") is not None
    assert Ledger(file).find("net/openvino") is not None
    assert Ledger(file).find("net/onnxruntime") is None
    assert [each.name for each in file.parent.iterdir()] == ["one.json"]  # no drafts are left


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-40], lambda text: text.replace("litert", "lite__"), lambda _: "", lambda _: "[]"]
)
def test_what_is_damaged_is_forgotten(file, result, damage):
    Ledger(file).note(result, "then")
    file.write_text(damage(file.read_text()))
    assert Ledger(file).find("net/litert") is None
    Ledger(file).note(result, "again")
    assert Ledger(file).find("net/litert") is not None


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path, result):
    (tmp_path / "searches").write_text("a file where the folder should be")
    ledger = Ledger(tmp_path / "searches" / "one.json")
    ledger.note(result, "then")
    assert ledger.find("net/litert") is not None  # within this run


def test_without_a_file_nothing_is_kept(result):
    ledger = Ledger(None)
    ledger.note(result, "then")
    assert ledger.find("net/litert") is None
