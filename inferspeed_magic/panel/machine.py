"""The machine and its runtimes, as plain text and as HTML."""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING

from inferspeed_magic.panel.parts import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from inferspeed_magic.records.machine import Gpu, Machine, RuntimeStatus

# What it means for inference that an instruction set is missing; sets with the same words are shown on one line.
MEANINGS = {
    "AVX2": "most runtimes fall back to slow code, and some do not start",
    "FMA": "multiply and add are two instructions: float32 peaks at half",
    "AVX-512": "vectors are 256 bits wide at most: a lower float32 peak",
    "AVX-512 VNNI": "no VNNI: int8 gains less, and some kernels saturate unless weights keep to 7 bits",
    "AVX-VNNI": "no VNNI: int8 gains less, and some kernels saturate unless weights keep to 7 bits",
    "AVX-512 BF16": "bfloat16 is computed as float32: it saves memory, hardly time",
    "AMX-INT8": "no int8 matrix unit: int8 runs at the speed of vectors",
    "AMX-BF16": "no bfloat16 matrix unit: bfloat16 runs at the speed of vectors at best",
    "NEON": "no vector instructions: everything is slow",
    "dotprod": "no dot product of bytes: int8 gains less",
    "i8mm": "no int8 matrix products: int8 gains less than on newer cores",
    "BF16": "bfloat16 is computed as float32: it saves memory, hardly time",
    "SVE": "vectors are 128 bits wide (NEON)",
}

# The same instructions in two encodings: who has one lacks nothing.
TWINS = {"AVX-512 VNNI": "AVX-VNNI", "AVX-VNNI": "AVX-512 VNNI"}

QUIET = "Nothing found: clock, load, quota, swap and power are quiet."
RUNTIME_HEADERS = ("Runtime", "Available", "Version", "Why not, and how to get it")
WIDTH = 110

TABLE = "border-collapse:collapse;margin:0 0 1em 0"
CAPTION = "text-align:left;font-weight:bold;padding:0.3em 0"
# Grey that can be seen on white and on black.
CELL = "text-align:left;vertical-align:top;padding:0.2em 0.6em;border-bottom:1px solid rgba(128,128,128,.4)"
NAME = f"{CELL};white-space:nowrap"
LIST = "margin:0;padding-left:1.2em"
FAINT = "opacity:0.75"

Fact = tuple[str, tuple[str, ...]]


def machine_text(machine: Machine, runtimes: Sequence[RuntimeStatus]) -> str:
    """Write the machine and its runtimes as aligned plain text."""
    facts = _facts(machine)
    margin = max(len(name) for name, _ in facts) + 2
    lines = ["Machine"]
    for name, values in facts:
        wrapped = [
            part
            for value in values
            for part in textwrap.wrap(value, WIDTH - margin, subsequent_indent="  " if values[1:] else "")
        ]
        lines += [
            f"{label:<{margin}}{part}" for label, part in zip([name, *[""] * len(wrapped)], wrapped, strict=False)
        ]
    return "\n".join([*lines, "", *_runtimes_text(runtimes)]) + "\n"


def machine_html(machine: Machine, runtimes: Sequence[RuntimeStatus]) -> str:
    """Write the same as HTML tables that read well unstyled, in dark and in light themes."""
    rows = "".join(
        f'<tr><th scope="row" style="{NAME}">{escape(name)}</th><td style="{CELL}">{_values_html(values)}</td></tr>'
        for name, values in _facts(machine)
    )
    table = f'<table style="{TABLE}"><caption style="{CAPTION}">Machine</caption><tbody>{rows}</tbody></table>'
    return table + _runtimes_html(runtimes)


def _facts(machine: Machine) -> list[Fact]:
    known = machine.instruction_sets or machine.instruction_sets_missing
    libraries = ", ".join(f"{name} {version}" for name, version in machine.library_versions.items())
    facts: list[Fact] = [
        ("CPU", (f"{machine.cpu} ({machine.architecture})",)),
        ("Cores", (f"{machine.cores_given} given to this process of {machine.cores_total} in the machine (logical)",)),
        ("Instruction sets", (", ".join(machine.instruction_sets) or ("none" if known else "cannot be read here"),)),
        ("Missing", _missing(machine)),
        ("Caches", (_caches(machine.cache_kb),)),
        ("Memory", (f"{_size(machine.memory_mb)} for this process",)),
        ("GPU", tuple(_gpu(gpu) for gpu in machine.gpus) or ("none that a driver reports",)),
        ("Virtual machine", (machine.virtualized or "no hypervisor found",)),
        ("System", (machine.operating_system,)),
        ("Python", (machine.python,)),
        ("Libraries", (libraries or "none",)),
        ("May disturb timing", machine.disturbances or (QUIET,)),
    ]
    return [(name, tuple(one_line(value) for value in values)) for name, values in facts]


def _missing(machine: Machine) -> tuple[str, ...]:
    if not machine.instruction_sets_missing:
        return ("none",) if machine.instruction_sets else ("cannot be told",)
    by_meaning: dict[str, list[str]] = {}
    for name in machine.instruction_sets_missing:
        twin = TWINS.get(name)
        if twin in machine.instruction_sets:
            meaning = f"nothing lost: {twin} does the same"
        else:
            meaning = MEANINGS.get(name, "what it would bring is not known here")
        by_meaning.setdefault(meaning, []).append(name)
    return tuple(f"{', '.join(names)} - {meaning}" for meaning, names in by_meaning.items())


def _caches(cache_kb: dict[str, float]) -> str:
    sizes = ", ".join(f"{level} {_size(kb / 1024)}" for level, kb in cache_kb.items())
    return f"{sizes} (as one core sees them)" if sizes else "cannot be read here"


def _gpu(gpu: Gpu) -> str:
    memory = _size(gpu.memory_mb) if gpu.memory_mb else "memory not reported"
    return f"{gpu.name}, {memory}, driver {gpu.driver}"


def _size(mb: float) -> str:
    for unit, size in (("GB", mb / 1024), ("MB", mb)):
        if size >= 1:
            return f"{size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{mb * 1024:.0f} KB"


def _runtimes_text(runtimes: Sequence[RuntimeStatus]) -> Iterable[str]:
    if not runtimes:
        return ["Runtimes: none are known."]
    cells = [_headers(runtimes), *(_cells(status) for status in runtimes)]
    widths = [max(len(row[column]) for row in cells) + 2 for column in range(3)]
    lines = []
    for *short, last in cells:
        begin = "".join(f"{cell:<{width}}" for cell, width in zip(short, widths, strict=True))
        # The command has a line of its own, so that it can be copied whole.
        lines += [
            (label + part).rstrip() for label, part in zip((begin, " " * len(begin)), last.split("\n"), strict=False)
        ]
    return lines


def _runtimes_html(runtimes: Sequence[RuntimeStatus]) -> str:
    if not runtimes:
        return "<p>Runtimes: none are known.</p>"
    head = "".join(f'<th scope="col" style="{CELL}">{escape(header)}</th>' for header in _headers(runtimes))
    rows = "".join(_runtime_html(status) for status in runtimes)
    return (
        f'<table style="{TABLE}"><caption style="{CAPTION}">Runtimes</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _headers(runtimes: Sequence[RuntimeStatus]) -> tuple[str, ...]:
    """Leave the last column without a heading where everything is there."""
    *first, last = RUNTIME_HEADERS
    return (*first, "" if all(status.available for status in runtimes) else last)


def _runtime_html(status: RuntimeStatus) -> str:
    name, available, version, _ = (escape(cell) for cell in _cells(status))
    why = [f'<span style="{FAINT}">{escape(one_line(status.reason))}</span>'] if status.reason else []
    if status.install_command:
        why.append(f"<code>{escape(one_line(status.install_command))}</code>")
    cells = "".join(f'<td style="{CELL}">{cell}</td>' for cell in (available, version, "<br>".join(why)))
    return f'<tr><th scope="row" style="{NAME}">{name}</th>{cells}</tr>'


def _cells(status: RuntimeStatus) -> tuple[str, str, str, str]:
    why = "\n".join(one_line(part) for part in (status.reason, status.install_command) if part)
    return one_line(status.name), "yes" if status.available else "no", one_line(status.version or "-"), why


def _values_html(values: Sequence[str]) -> str:
    if len(values) == 1:
        return escape(values[0])
    return f'<ul style="{LIST}">' + "".join(f"<li>{escape(value)}</li>" for value in values) + "</ul>"
