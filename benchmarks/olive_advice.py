"""Olive's automatic optimization of an ONNX file, for the CPU, in int8. Runs in an environment that has olive-ai.

Usage: /path/to/olive's/python benchmarks/olive_advice.py FLOAT.onnx SAMPLES.npy FOLDER
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    _, model, _, folder = sys.argv
    asked = ["optimize", "-m", model, "-o", folder, "--provider", "CPUExecutionProvider", "--device", "cpu"]
    more = ["--precision", "int8", "--disable_telemetry"]
    done = subprocess.run([sys.executable, "-m", "olive", *asked, *more], capture_output=True, text=True, check=False)
    made = sorted(Path(folder).rglob("*.onnx"), key=lambda file: file.stat().st_mtime)
    if done.returncode or not made:
        sys.exit((done.stderr or done.stdout).strip().splitlines()[-1])
    print("made", made[-1])
