"""Files of runtimes, made anew after the run, and served to Netron."""

from __future__ import annotations

import dataclasses
import gc
import importlib.util
from pathlib import Path
from urllib.request import build_opener

import keras
import pytest
from explanation_records import count_only, one, two
from keras import layers

from inferspeed_magic.errors import OptionError, UserError
from inferspeed_magic.explanation.exporting import export, exportable
from inferspeed_magic.explanation.verification import Verifier
from inferspeed_magic.panel import NoProgress
from inferspeed_magic.report import ExplainReport
from inferspeed_magic.report import netron as module
from inferspeed_magic.search.keeping import Shelf


@pytest.fixture(scope="module")
def model():
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])


@pytest.fixture(scope="module")
def report(model):
    return ExplainReport(one(), Verifier({"deep": model}))


class TestNames:
    def test_what_was_looked_into_comes_first_and_call_paths_have_no_file(self, report):
        assert report.artifacts == (
            "deep/onnxruntime",
            "deep/onnxruntime+post_training_static",
            "deep/litert",
            "deep/openvino",
        )

    def test_several_models(self):
        assert list(exportable(two()))[:2] == ["deep/onnxruntime", "wide/onnxruntime"]

    def test_runtimes_and_techniques_that_are_gone_are_left_out(self):
        made = one()
        gone = (
            dataclasses.replace(made.operators[0], runtime="nowhere"),
            dataclasses.replace(made.operators[0], technique="nothing_known"),
        )
        names = exportable(dataclasses.replace(made, operators=gone))
        assert list(names) == ["deep/litert", "deep/onnxruntime", "deep/openvino"]

    def test_a_loaded_report_and_a_counted_one_have_none(self):
        assert ExplainReport(one()).artifacts == ()
        with pytest.raises(OptionError, match="explain them again"):
            ExplainReport(one()).netron()
        with pytest.raises(OptionError, match="no runtime opened a file"):
            ExplainReport(count_only(), Verifier({})).netron()

    def test_a_name_that_is_none_says_which_there_are(self, report):
        with pytest.raises(OptionError, match="`other` is no file of this report; it has deep/onnxruntime, "):
            report.netron("other")


def test_without_netron_one_line_says_how_to_get_it(report, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r'^Netron is not installed: pip install "inferspeed-magic\[netron\]"$'):
        report.netron()


def test_a_file_outlives_the_run_that_makes_it_and_goes_with_the_shelf(model):
    shelf = Shelf()
    made = export(Verifier({"deep": model}), one(), "deep/litert", shelf.keep, NoProgress())
    assert made.name == "model.tflite"
    assert made.read_bytes()[4:8] == b"TFL3"
    del shelf
    gc.collect()
    assert not made.exists()


def test_a_file_of_the_user_is_shown_where_it_lies(model, tmp_path):
    theirs = tmp_path / "theirs.tflite"
    shelf = Shelf()
    theirs.write_bytes(export(Verifier({"deep": model}), one(), "deep/litert", shelf.keep, NoProgress()).read_bytes())
    shown = export(Verifier({"deep": str(theirs)}), one(), "deep/litert", shelf.keep, NoProgress())
    assert shown == theirs


def test_no_room_is_said(model):
    with pytest.raises(UserError, match="no room for temporary files"):
        export(Verifier({"deep": model}), one(), "deep/litert", lambda *_: None, NoProgress())


@pytest.mark.skipif(importlib.util.find_spec("netron") is None, reason="netron is not installed")
class TestServed:
    @pytest.fixture(autouse=True)
    def stopped(self):
        yield
        module.stop()

    def test_the_page_and_the_file_are_served(self, report):
        url = report.netron("deep", browse=False, progress=False)
        with build_opener().open(url) as page:
            assert "Netron" in page.read().decode()
        (file,) = report._files.values()
        with build_opener().open(f"{url}/data/{file.name}") as answer:
            assert answer.read() == Path(file).read_bytes()

    def test_a_second_time_it_is_served_where_it_was(self, report):
        first = report.netron("deep/litert", browse=False, progress=False)
        assert report.netron("deep/litert", browse=False, progress=False) == first

    def test_two_files_have_addresses_of_their_own(self, report):
        urls = {name: report.netron(name, browse=False, progress=False) for name in ("deep/litert", "deep/onnxruntime")}
        assert len(set(urls.values())) == 2
        for name, url in urls.items():
            with build_opener().open(url) as page:
                assert f"/data/{report._files[name].name}" in page.read().decode()

    def test_one_that_has_died_is_served_again(self, report):
        report.netron("deep/litert", browse=False, progress=False)
        (server,) = module._running.values()
        server.process.kill()
        server.process.communicate()
        url = report.netron("deep/litert", browse=False, progress=False)
        with build_opener().open(url) as page:
            assert page.status == 200

    def test_a_browser_is_opened_where_there_is_a_screen(self, report, monkeypatch):
        opened = []
        monkeypatch.setattr("webbrowser.open", opened.append)
        for there in (True, False):
            monkeypatch.setattr(module, "_has_screen", lambda there=there: there)
            url = report.netron("deep/litert", progress=False)
        assert opened == [url]
