"""Run scripts where this package cannot be imported: make each artifact, run it on a batch, keep the outputs.

python run_recipes.py FOLDER: for each NAME.py beside a NAME.inputs.npz in the folder, NAME.outputs.npz or NAME.error.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path

import numpy as np


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "inferspeed_magic":
            raise ModuleNotFoundError(f"{name} must not be needed")


def imported(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


def main():
    sys.meta_path.insert(0, Refuse())
    for file in sorted(Path(sys.argv[1]).glob("*.py")):
        given = file.with_suffix(".inputs.npz")
        if not given.exists():
            continue
        with np.load(given) as arrays:
            inputs = [arrays[name] for name in arrays.files]
        try:
            script = imported(file)
            made = script.make(script.MODEL, script.CALIBRATION, file.with_suffix(""))
            runs = [
                function for name, function in vars(script).items() if name.startswith("run") and callable(function)
            ]
            (run,) = runs
            np.savez(file.with_suffix(".outputs.npz"), *run(made, inputs))
        except BaseException:  # noqa: BLE001
            file.with_suffix(".error").write_text(traceback.format_exc())
    assert not any(name.partition(".")[0] == "inferspeed_magic" for name in sys.modules)


main()
