"""Functions that are copied into one script still find everything that they refer to."""

from __future__ import annotations

import subprocess
import sys

import pytest

from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.optimized.recipe_bundle import bundle
from inferspeed_magic.optimized.recipe_text import imports_text, loose_annotations

STEPS = sorted(
    {
        step.call
        for kind in ("keras", "onnx", "litert")
        for made in ("litert", "onnx", "openvino_ir")
        for dynamic in (False, True)
        for route in routes(kind, made, dynamic=dynamic, lower=True)
        for step in route
    }
    | {step.call for technique in techniques().values() for step in technique.steps.values()}
)


def script_of(found):
    text = "\n\n\n".join(text for _, text in found.sections)
    head = f"from __future__ import annotations\n\n{imports_text([*found.imports, 'from typing import Any'])}\n"
    loose = loose_annotations(head + text)
    return head + "".join(f"{name} = Any\n" for name in loose) + text + "\n"


def assert_whole(script, tmp_path):
    compile(script, "script", "exec")
    file = tmp_path / "script.py"
    file.write_text(script)
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821,F811,F841,E9", file]
    found = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("call", STEPS)
def test_every_step_can_be_copied(call, tmp_path):
    found = bundle([call], {})
    assert found.names[call] == call.partition(":")[2]
    script = script_of(found)
    assert "import inferspeed_magic" not in script
    assert "from inferspeed_magic" not in script
    assert_whole(script, tmp_path)


def test_all_steps_and_runtimes_together_keep_their_names_apart(tmp_path):
    asked = [*STEPS, *(f"{type(each).__module__}:{type(each).__name__}" for each in runtimes().values())]
    found = bundle(asked, {}, taken=["load", "run"])
    assert len({found.names[each] for each in asked}) == len(asked)
    assert not {"load", "run"} & set(found.names.values())
    assert_whole(script_of(found), tmp_path)


def test_what_is_copied_runs():
    names = [f"inferspeed_magic.formats.naming:{name}" for name in ("input_name", "in_order")]
    found = bundle(names, {}, taken=["_clean", "position"])
    space = {}
    exec(compile(script_of(found), "script", "exec"), space)  # noqa: S102
    assert space[found.names[names[0]]](2, "a b") == "im_in_002_a_b"
    assert space["in_order"](["x/im_out_001_:0", "im_out_000_"], lambda name: [name])[0] == "im_out_000_"
    assert "position" not in space
    assert "position_naming" in space


def test_only_what_is_needed_is_copied():
    text = script_of(bundle(["inferspeed_magic.formats.naming:output_name"], {}))
    assert "def output_name" in text
    assert "def input_name" not in text
    assert "import re\n" not in text


def test_something_stands_in():
    call = "inferspeed_magic.formats.naming:input_name"
    found = bundle([call], {"inferspeed_magic.formats.naming:_clean": "cleaned"})
    assert "cleaned(name)" in script_of(found)
    assert "def _clean" not in script_of(found)


def test_what_is_not_there_is_an_error():
    with pytest.raises(LookupError, match="nothing_of_the_kind"):
        bundle(["inferspeed_magic.formats.naming:nothing_of_the_kind"], {})
