"""Under which circumstances a model is measured, so that their differences say where the time goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.discovery import runtimes, techniques

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inferspeed_magic.formats.routes import Step
    from inferspeed_magic.records import Request

#: The technique that stands for int8 among the counterfactuals.
INT8 = "post_training_static"


@dataclass(frozen=True)
class Circumstance:
    """How one candidate runs.

    Attributes:
        runtime: its name.
        batch_size: samples per inference.
        threads: for one inference.
        technique: what is done to the model; ``none`` for nothing.
        step: that makes another model of it, for this circumstance alone; ``technique`` is then its name.
    """

    runtime: str
    batch_size: int
    threads: int
    technique: str = "none"
    step: Step | None = None


def usual(request: Request, threads: int) -> Iterator[Circumstance]:
    """List every runtime, as anybody would call it."""
    for runtime in request.runtimes:
        yield Circumstance(runtime, request.batch_sizes[0], threads)


def batches(request: Request, threads: int, profiled: str | None) -> Iterator[Circumstance]:
    """List larger batches, on what users call and on the runtime that is looked into."""
    chosen = [name for name in ("keras.predict", profiled) if name in request.runtimes]
    for runtime in chosen:
        for batch_size in request.batch_sizes[1:]:
            yield Circumstance(str(runtime), batch_size, threads)


def counterfactuals(request: Request, threads: int, profiled: str | None) -> Iterator[tuple[str, str, Circumstance]]:
    """List what is changed on the runtime that is looked into: a slug, words, and the circumstance."""
    if profiled is None:
        return
    batch_size = request.batch_sizes[0]
    if threads > 1 and request.device == "cpu":
        yield "one_thread", f"1 thread in place of {threads}", Circumstance(profiled, batch_size, 1)
    if techniques()[INT8].step_made(runtimes()[profiled].capabilities().formats) is not None:
        yield "int8", "static int8 in place of float32", Circumstance(profiled, batch_size, threads, INT8)


def looked_into(runtimes: Sequence[str], profiling: Sequence[str]) -> str | None:
    """Choose the runtime whose operators are looked at: the first asked for that says what they take."""
    preferred = ("onnxruntime", "openvino", "litert")
    able = [name for name in runtimes if name in profiling]
    return next((name for name in preferred if name in able), next(iter(able), None))
