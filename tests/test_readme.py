"""The README's tables and commands are true."""

import re
from pathlib import Path

import pytest

from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.sources.kinds import FILE_SUFFIXES

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_table_of_runtimes_is_the_list_of_runtimes():
    rows = re.findall(r"^\| `([a-z.]+)` \|[^|]+\| ([a-z, ]+) \| `([^`]+)` \|$", README, re.MULTILINE)
    known = {
        name: (", ".join(runtime.capabilities().devices), runtime.install_command)
        for name, runtime in runtimes().items()
        if type(runtime).__module__.startswith("inferspeed_magic.")
    }
    assert {name: (devices, command) for name, devices, command in rows} == known


def test_the_table_of_techniques_is_the_list_of_techniques():
    rows = re.findall(
        r"^\| `(\w+)` \| ([^|]+) \| ([a-z, ]+) \| (nothing|calibration|training) \|$", README, re.MULTILINE
    )
    runtime_of = {"litert": "litert", "onnx": "onnxruntime", "openvino_ir": "openvino", "keras": "keras"}
    known = {
        (
            name,
            technique.summary,
            "all" if technique.on_model else ", ".join(runtime_of[made] for made in technique.steps),
            "training" if technique.wants_training else technique.needs,
        )
        for name, technique in techniques().items()
    }
    assert set(rows) == known


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".hdf5", ".onnx", ".tflite"])
def test_every_suffix_named_is_read(suffix):
    assert f"`{suffix}`" in README
    assert suffix in FILE_SUFFIXES


def test_pictures_and_scripts_exist():
    root = Path(__file__).parent.parent
    for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README) + re.findall(r"`python (benchmarks/\w+\.py)`", README):
        assert (root / name).is_file(), name


def test_two_commands_set_everything_up():
    commands = [line for line in README.splitlines() if line.startswith("(python3 -m venv .venv")]
    assert len(commands) == 2
    assert "notebooks/01_profile.ipynb" in commands[0]
    first, last = re.findall(r"\.venv/bin/pytest (.*?)(?: && |$)", commands[1])
    assert first == '-n 2 --dist loadfile -m "not alone and not extended"'
    assert last == '-m "alone and not extended"'
