"""A real IPython shell, and stand-ins for what the magics call: these tests also run beside an old IPython alone."""

from __future__ import annotations

import atexit
import re
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

RUNTIMES = ("keras.predict", "keras.call", "keras.compiled", "keras.xla", "litert", "onnxruntime", "openvino")


class FakeModel:
    """Stands for a Keras model where there is no Keras."""

    def __call__(self, x: Any) -> Any:
        return x


class FakeReport:
    best: Any = None

    def __repr__(self) -> str:
        return "<the report>"


@dataclass
class FakeWorkflow:
    """Takes the place of ``inferspeed_magic.workflow`` and remembers how its verbs were called."""

    report: FakeReport = field(default_factory=FakeReport)
    error: BaseException | None = None
    models: dict[str, Any] | None = None
    data: Any = None
    arguments: dict[str, Any] = field(default_factory=dict)
    calls: int = 0

    def profile(self, models: dict[str, Any], **arguments: Any) -> FakeReport:
        self.calls += 1
        self.models, self.arguments = models, arguments
        if self.error is not None:
            raise self.error
        return self.report

    def optimize(self, model: dict[str, Any], data: Any = None, **arguments: Any) -> FakeReport:
        self.data = data
        return self.profile(model, **arguments)

    def explain(self, models: dict[str, Any], **arguments: Any) -> FakeReport:
        return self.profile(models, **arguments)

    @property
    def names(self) -> list[str]:
        assert self.models is not None, "nothing was handed on"
        return list(self.models)


class Notebook:
    """Runs cells as a front end would and keeps what they printed."""

    def __init__(self, shell: InteractiveShell, capture: pytest.CaptureFixture[str]) -> None:
        self.shell, self.capture = shell, capture
        self.out = self.err = ""

    def run(self, cell: str) -> Any:
        self.capture.readouterr()
        result = self.shell.run_cell(cell, store_history=True)
        shown = self.capture.readouterr()
        plain = re.compile(r"\x1b\[[0-9;]*m")
        self.out, self.err = plain.sub("", shown.out), plain.sub("", shown.err)
        return result

    def mistake(self, cell: str) -> str:
        """Run a cell that holds a mistake and return the one line that tells of it."""
        result = self.run(cell)
        assert type(result.error_in_exec).__name__ == "UsageError", result.error_in_exec
        assert self.err.startswith("UsageError: ")
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.out + self.err
        return self.err.removeprefix("UsageError: ").strip()


@pytest.fixture
def stub(monkeypatch):
    """Put a module in the place of one of ours."""

    def put(name, **content):
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)

    return put


@pytest.fixture(autouse=True)
def runtimes(stub):
    techniques = dict.fromkeys(("float16", "int16x8", "post_training_static"))
    stub("inferspeed_magic.discovery", runtime_names=lambda: RUNTIMES, techniques=lambda: techniques)
    return RUNTIMES


@pytest.fixture
def workflow(stub):
    fake = FakeWorkflow()
    stub("inferspeed_magic.workflow", profile=fake.profile, optimize=fake.optimize, explain=fake.explain)
    return fake


@pytest.fixture
def shell():
    from inferspeed_magic.magics import register

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.cache_size = 1000
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    register(shell)
    yield shell
    atexit.unregister(shell.atexit_operations)  # hundreds of shells to tear down at exit, each slowly
    InteractiveShell.clear_instance()


@pytest.fixture
def fake_models(monkeypatch):
    monkeypatch.setattr("inferspeed_magic.sources.is_model", lambda value: isinstance(value, FakeModel))


@pytest.fixture
def notebook(shell, capsys, fake_models, runtimes, workflow):
    shell.user_ns["Model"] = FakeModel
    return Notebook(shell, capsys)
