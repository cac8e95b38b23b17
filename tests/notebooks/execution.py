"""Runs notebooks in a real kernel. As a script, it refreshes the outputs that are committed:

python tests/notebooks/execution.py notebooks/*.ipynb
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def execute(path, folder):
    """Run all cells in a folder of their own, where the files that they write stay.

    TensorFlow writes to standard error while it is imported, whatever TF_CPP_MIN_LOG_LEVEL says (TensorFlow issue
    100442). That is dropped, and only there: what any other cell writes to standard error is worth a look.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    for cell in code_cells(notebook):
        if "import keras" in cell.source and "%%" not in cell.source:
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    # The patch version of Python would change with every machine.
    notebook.metadata.language_info = {"name": "python"}
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as scratch:
            nbformat.write(execute(name, scratch), name)
