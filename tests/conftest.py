"""Being here puts this folder on the path: tests of several folders build their records with profile_records."""

import os
from collections import Counter
from pathlib import Path

import pytest

# What a test converts it converts itself; tests of the cache bring a folder of their own.
os.environ["INFERSPEED_MAGIC_CACHE"] = "off"

HERE = Path(__file__).parent
#: Files with many slow cases of the same kind: every second one is left to ``pytest -m extended``.
HALVED = {
    *("test_recurrent_operators.py", "test_converted_models.py", "test_hard_models.py"),
    *("test_panel_page.py", "test_optimize_page.py", "test_explain_page.py", "test_applications.py"),
}

#: Folders and files whose tests do not look at how long something takes: they may run beside each other.
BESIDE = {
    *(
        "browser",
        "counting",
        "floors",
        "formats",
        "magics",
        "notebooks",
        "optimized",
        "panel",
        "pruning",
        "records",
        "runtimes",
        "sources",
        "techniques",
        "training",
        "twins",
        "wild",
    ),
    *("diagnosis", "test_discovery.py", "test_readme.py", "test_report.py", "test_technique_contract.py"),
    *("test_imports.py", "test_compiled_metrics.py", "test_scoring.py", "test_degeneracy.py"),
}

#: Notebooks that take minutes: their committed outputs are looked at, and ``pytest -m extended`` executes them. The
#: first is executed in a real JupyterLab anyway.
LONG = ("01_profile", "02_optimize", "03_why_is_the_smaller_model_not_faster", "04_smaller_for_real")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what has to run alone, and leave out every second case of long lists: the usual run has 40 minutes."""
    met = Counter()
    for item in items:
        if item.path.relative_to(HERE).parts[0] not in BESIDE and item.path.name not in BESIDE:
            item.add_marker(pytest.mark.alone)
        if any(name in item.name for name in LONG) and ("executed" in item.name or "executed" in item.fixturenames):
            item.add_marker(pytest.mark.extended)
        if item.path.name in HALVED and hasattr(item, "callspec"):
            case = item.path, item.originalname
            met[case] += 1
            if met[case] % 2 == 0:
                item.add_marker(pytest.mark.extended)
