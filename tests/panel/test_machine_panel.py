"""The machine as text and as HTML."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree as ET

import pytest

from inferspeed_magic.panel.machine import machine_html, machine_text
from inferspeed_magic.records.machine import Gpu, Machine, RuntimeStatus

ZEN_2 = Machine(
    cpu="AMD EPYC 7742",
    architecture="x86_64",
    cores_given=2,
    cores_total=64,
    memory_mb=24105.6,
    instruction_sets=("AVX2", "FMA"),
    instruction_sets_missing=("AVX-512", "AVX-512 VNNI", "AVX-VNNI", "AVX-512 BF16", "AMX-INT8", "AMX-BF16"),
    cache_kb={"L1d": 32, "L2": 512, "L3": 16384},
    gpus=(Gpu("NVIDIA T4", 15360, "550.1"), Gpu("NVIDIA GH200", 0.0, "560.1")),
    operating_system="Debian GNU/Linux 12 (bookworm), Linux 6.1",
    python="3.11.7",
    virtualized="KVM",
    disturbances=("Turbo boost is on: " + "long words " * 20 + "end.", "The machine runs on its battery."),
    library_versions={"keras": "3.15.1"},
)
RUNTIMES = (
    RuntimeStatus("onnxruntime", available=True, version="1.31.1"),
    RuntimeStatus(
        "openvino", available=False, reason="openvino is not installed", install_command='pip install "openvino>=2025"'
    ),
)
UNKNOWN = Machine("riscv", "riscv64", 1, 1, 512.0, (), (), {}, (), "Linux 6.1", "3.11.7", None, ())


def line_with(text, words):
    return next(line for line in text.splitlines() if words in line)


def test_text_says_what_is_there_and_what_its_absence_means():
    text = machine_text(ZEN_2, RUNTIMES)
    assert "AMD EPYC 7742 (x86_64)" in text
    assert "2 given to this process of 64 in the machine" in text
    assert "no VNNI: int8 gains less" in line_with(text, "AVX-512 VNNI, AVX-VNNI")
    assert "L1d 32 KB, L2 512 KB, L3 16 MB" in text
    assert "23.5 GB" in text
    assert "NVIDIA T4, 15 GB, driver 550.1" in text
    assert "NVIDIA GH200, memory not reported" in text
    assert "The machine runs on its battery." in text


def test_text_is_aligned():
    lines = machine_text(ZEN_2, RUNTIMES).splitlines()
    assert max(map(len, lines)) <= 110
    column = lines[1].index("AMD")
    until = lines.index("")
    assert all(line[column - 2 : column] == "  " for line in lines[1:until])
    runtimes = lines[until + 1 :]
    reason = runtimes[0].index("Why not")
    assert runtimes[2][reason:] == "openvino is not installed"
    assert runtimes[3] == " " * reason + 'pip install "openvino>=2025"'


def test_one_of_the_two_vnni_is_enough():
    machine = dataclasses.replace(ZEN_2, instruction_sets=("AVX-VNNI",), instruction_sets_missing=("AVX-512 VNNI",))
    assert "nothing lost: AVX-VNNI does the same" in machine_text(machine, ())


def test_what_is_unknown_is_called_unknown():
    text = machine_text(UNKNOWN, ())
    assert "cannot be read here" in line_with(text, "Instruction sets")
    assert "cannot be told" in line_with(text, "Missing")
    assert "cannot be read here" in line_with(text, "Caches")
    assert "no hypervisor found" in text
    assert "Nothing found" in line_with(text, "May disturb timing")
    assert "none are known" in text


@pytest.mark.parametrize("machine", [ZEN_2, UNKNOWN])
@pytest.mark.parametrize("runtimes", [RUNTIMES, ()])
def test_html_is_well_formed_and_says_the_same(machine, runtimes):
    tree = ET.fromstring(f"<div>{machine_html(machine, runtimes)}</div>".replace("<br>", "<br/>"))  # noqa: S314 - ours
    html = " ".join(" ".join(tree.itertext()).split())
    for word in " ".join(machine_text(machine, runtimes).split()).split(" "):
        assert word in html


def test_html_has_captions_and_scopes_and_no_colours():
    html = machine_html(ZEN_2, RUNTIMES)
    assert html.count("<caption") == html.count("<table") == 2
    assert html.count("<th ") == html.count('<th scope="')
    assert 'scope="row"' in html
    assert 'scope="col"' in html
    assert "<code>pip install &quot;openvino&gt;=2025&quot;</code>" in html
    assert "color:" not in html
    assert "#" not in html
    assert "<style" not in html


def test_everything_foreign_is_escaped():
    evil = "<script>alert('&')</script>"
    machine = dataclasses.replace(
        ZEN_2,
        cpu=evil,
        architecture=evil,
        instruction_sets=(evil,),
        instruction_sets_missing=(evil,),
        cache_kb={evil: 1},
        gpus=(Gpu(evil, 1, evil),),
        operating_system=evil,
        python=evil,
        virtualized=evil,
        disturbances=(evil, evil),
        library_versions={evil: evil},
    )
    html = machine_html(
        machine, [RuntimeStatus(evil, available=False, version=evil, reason=evil, install_command=evil)]
    )
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 14 + 4  # facts of the machine, and of the runtime


def test_a_reason_of_several_lines_stays_in_its_row():
    text = machine_text(ZEN_2, [RuntimeStatus("tvm", available=False, reason="no\n\nLLVM\x1b[31m")])
    assert text.splitlines()[-1].endswith("no LLVM\\x1b[31m")
