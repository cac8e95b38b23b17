"""What a profile's panel says, as plain data: text, HTML and the picture are drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.panel.failures import failures
from inferspeed_magic.panel.headline import headline, interruption
from inferspeed_magic.panel.numbers import TimeUnit, number, time_unit, whole_or_short
from inferspeed_magic.panel.parts import Column, Failure, Row, one_line
from inferspeed_magic.panel.ranking import is_rate_search, measured
from inferspeed_magic.panel.remarks import notes, warnings
from inferspeed_magic.panel.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.ranking import Speedups
    from inferspeed_magic.records import Machine, ProfileRecord


@dataclass(frozen=True)
class ProfileView:
    """The panel of ``profile``; strings are one line each, not escaped for HTML.

    Attributes:
        title: what the columns of latencies hold.
        cost_title: what the columns of costs hold.
        interrupted: that the results are partial, or None.
        headline: what was found, one sentence for each model.
        machine: where it ran.
        columns, rows: the table.
        failures: what was not measured, and why.
        warnings: what makes results doubtful.
        notes: what else there is to know.
        footnotes: how to read the columns.
    """

    title: str
    cost_title: str
    interrupted: str | None
    headline: tuple[str, ...]
    machine: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    footnotes: tuple[str, ...]


def profile_view(record: ProfileRecord, speedups: Speedups | None = None, known: Sequence[str] = ()) -> ProfileView:
    """Turn a record into what the panel says.

    Args:
        record: what was measured.
        speedups: of candidates over each other, for the sentence on top; None leaves the runner-up out of it.
        known: names in the order in which a reader met them, which they keep their colours by.
    """
    unit = time_unit(candidate.summary.p50_ms.value for candidate in measured(record))
    columns, rows = table(record, unit, known)
    return ProfileView(
        title=_title(record),
        cost_title="Start-up, memory, size and agreement with the source model",
        interrupted=interruption(record),
        headline=headline(record, unit, speedups),
        machine=machine_words(record.machine),
        columns=columns,
        rows=rows,
        failures=failures(record),
        warnings=warnings(record),
        notes=notes(record),
        footnotes=_footnotes(record, columns, unit),
    )


def _title(record: ProfileRecord) -> str:
    request = record.request
    results = [candidate.result for candidate in measured(record)]
    batches, devices, threads = ({getattr(one, key) for one in results} for key in ("batch_size", "device", "threads"))
    parts = ["Inference latency"]
    # What is the same for all rows has no column and is said here.
    parts += [f"batch {size}" for size in batches if len(batches) == 1]
    parts += [one_line(device) for device in devices if len(devices) == 1]
    parts += [f"{count} thread{'s' * (count != 1)}" for count in threads if len(threads) == 1]
    parts.append({"single_stream": "back to back", "offline": "offline"}.get(request.scenario, "server"))
    if is_rate_search(record):
        parts.append(f"p99 under {whole_or_short(request.latency_slo_ms or 0)} ms")
    elif request.scenario == "server" and request.target_qps:
        parts.append(f"{whole_or_short(request.target_qps)} arrivals per second")
    return ", ".join(parts)


def machine_words(machine: Machine) -> str:
    """Name the machine in a line."""
    parts = [
        one_line(machine.cpu),
        f"{machine.cores_given} of {machine.cores_total} cores",
        f"{number(machine.memory_mb / 1024)} GB",
        " ".join(one_line(name) for name in machine.instruction_sets),
        *(one_line(gpu.name) for gpu in machine.gpus),
        f"virtual ({one_line(machine.virtualized)})" if machine.virtualized else "",
        one_line(machine.operating_system),
        f"Python {one_line(machine.python)}",
    ]
    return ", ".join(part for part in parts if part)


def _footnotes(record: ProfileRecord, columns: tuple[Column, ...], unit: TimeUnit) -> tuple[str, ...]:
    waiting = ", waiting included" if record.request.scenario == "server" else ""
    baseline = one_line(record.baseline or "")
    meanings = {
        "p50_ms": f"p50 {unit.name}: half of the inferences took less{waiting}, each turn counting the same; in "
        "parentheses its 95% interval.",
        "speedup": f"speed-up: how often this p50 goes into that of the baseline ({baseline}), estimated turn by turn "
        "(so that drift cancels, and not exactly the quotient), and its 95% interval.",
        "throughput_samples_per_s": "samples/s: as measured, not 1/latency.",
        "first_inference_ms": "first ms: the first inference after loading and compiling.",
        "peak_memory_mb": "memory MB: peak of the worker process.",
        "relative_error": "error: largest deviation from the source model's outputs, relative to their largest.",
    }
    shown = {column.key for column in columns}
    return tuple(meaning for key, meaning in meanings.items() if key in shown)
