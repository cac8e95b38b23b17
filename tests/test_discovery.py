"""Runtimes are found, and a broken one of somebody else's costs only itself."""

import importlib.metadata

import pytest

from inferspeed_magic import discovery


@pytest.fixture
def broken_plugin(monkeypatch):
    entry_point = importlib.metadata.EntryPoint("nowhere", "no_such_module:Runtime", discovery.ENTRY_POINTS)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry_point])
    discovery.runtimes.cache_clear()
    yield
    monkeypatch.undo()
    discovery.runtimes.cache_clear()


def test_the_call_paths_come_first():
    assert discovery.runtime_names()[:4] == ("keras.predict", "keras.call", "keras.compiled", "keras.xla")
    assert {"litert", "onnxruntime", "openvino"} <= set(discovery.runtime_names())


@pytest.mark.usefixtures("broken_plugin")
def test_a_broken_plugin_is_unavailable_with_its_reason():
    (status,) = [each for each in discovery.runtime_statuses() if each.name == "nowhere"]
    assert not status.available
    assert "cannot be imported (ModuleNotFoundError" in status.reason
    assert "litert" in discovery.runtime_names()
