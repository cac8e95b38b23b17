"""Of which number the widths of layers had better be multiples on a runtime: measured once, and kept in the cache."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from inferspeed_magic.discovery import reference
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.measurement.width_steps import WIDTHS, step
from inferspeed_magic.profiling.ceiling_parts import reads_onnx, takes_part
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.kept_numbers import KeptNumbers
from inferspeed_magic.runtimes.base import Lowering

if TYPE_CHECKING:
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.records.machine import Machine
    from inferspeed_magic.runtimes.base import Runtime
    from inferspeed_magic.workers.crew import Crew

_MEASUREMENT = "inferspeed_magic.measurement"
_BUDGET_S, _LIMIT_S = 1.0, 30.0
#: Kernels are the same in every thread, and one is disturbed least by whatever else runs.
_THREADS = 1
#: A library that hangs while it is imported may not eat a search's budget.
_IMPORT_S = 10.0


@dataclass(frozen=True)
class LikedWidths:
    """What was measured.

    Attributes:
        multiple_of: 1 where no widths are better than others.
        latencies_ns: of the same convolutions, by width as text.
    """

    multiple_of: int
    latencies_ns: dict[str, float]


def liked_widths(crew: Crew, limits: Limits, machine: Machine, runtime: Runtime) -> LikedWidths | None:
    """Measure which widths of convolutions a runtime's kernels like, in float32 in one thread of the CPU.

    Takes about two seconds the first time, and nothing afterwards.

    Args:
        crew: that the worker belongs to; none is started where the cache has an answer.
        limits: of workers.
        machine: that this is.
        runtime: that is asked about.

    Returns:
        None for a runtime that opens no files of its own, and where that failed.
    """
    if not takes_part(runtime):
        return None
    kept = KeptNumbers("widths", machine, runtime.name)
    known = kept.read(LikedWidths)
    if known is not None:
        return known
    worker = crew.start(
        f"widths_{runtime.name}", environment=environment(None, "cpu"), memory_limit_mb=limits.memory_mb()
    )
    kind = "onnx" if reads_onnx(runtime) else "litert"
    prepare: dict[str, Any] = {"runtime": reference(runtime), "lowering": asdict(Lowering(threads=_THREADS))}
    import_s = min(limits.import_s, _IMPORT_S)
    try:
        files = {"folder": tempfile.mkdtemp(prefix="widths_", dir=crew.folder), "widths": WIDTHS}
        worker.request(f"{_MEASUREMENT}.bench:prepare", prepare, import_s)
        models = worker.request(f"{_MEASUREMENT}.width_models:write_{kind}_widths", files, import_s)
        timing = {"runtime": reference(runtime), "threads": _THREADS, "models": models, "budget_s": _BUDGET_S}
        with crew.alone(worker):
            seen = worker.request(f"{_MEASUREMENT}.width_steps:latencies", timing, _LIMIT_S)
    except (WorkerError, OSError):
        return None  # widths as they come are no worse than they were
    finally:
        crew.dismiss(worker)
    found = LikedWidths(step({int(width): ns for width, ns in seen.items()}), seen)
    kept.write(found)
    return found
