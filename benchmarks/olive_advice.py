"""Olive's workflow for an ONNX file on the CPU: its peephole optimizer, then its static int8 with its defaults.

(`olive optimize --precision int8` itself fetches a text corpus to calibrate with, whatever the model: the same passes
run here with the model's own samples.) Runs in an environment that has olive-ai.

Usage: /path/to/olive's/python benchmarks/olive_advice.py FLOAT.onnx SAMPLES.npy FOLDER
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import numpy as np
from olive.data.registry import Registry

class Samples:
    def __init__(self):
        self.x = np.load({samples!r})[:100]
    def __len__(self):
        return len(self.x)
    def __getitem__(self, place):
        return {{"x": self.x[place]}}, 0

@Registry.register_dataset()
def samples(**_):
    return Samples()
"""


def main() -> None:
    """Run the workflow and say where its file is."""
    _, model, samples, folder = sys.argv
    place = Path(folder)
    (place / "samples_script.py").write_text(_SCRIPT.format(samples=samples))
    config = {
        "input_model": {"type": "ONNXModel", "model_path": model},
        "systems": {
            "local": {
                "type": "LocalSystem",
                "accelerators": [{"device": "cpu", "execution_providers": ["CPUExecutionProvider"]}],
            }
        },
        "data_configs": [
            {
                "name": "samples",
                "user_script": str(place / "samples_script.py"),
                "load_dataset_config": {"type": "samples"},
                "dataloader_config": {"batch_size": 1},
            }
        ],
        "passes": {
            "peephole": {"type": "OnnxPeepholeOptimizer"},
            "int8": {"type": "OnnxStaticQuantization", "data_config": "samples"},
        },
        "host": "local",
        "target": "local",
        "output_dir": str(place / "made"),
        "cache_dir": str(place / "cache"),
    }
    (place / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "olive", "run", "--config", str(place / "config.json"), "--disable_telemetry"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    made = sorted((place / "made").rglob("*.onnx"), key=lambda file: file.stat().st_mtime)
    if done.returncode or not made:
        sys.exit(((done.stderr or done.stdout).strip() or "nothing was made").splitlines()[-1])
    print("made", made[-1])


if __name__ == "__main__":
    main()
