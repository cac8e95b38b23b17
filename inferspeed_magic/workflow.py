"""The story of each verb, readable top to bottom.

``profile``: look at what was handed in, convert it in the background, open every candidate alone, let all take turns,
derive what may be said, and report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import OptionError, ProfileInterrupted
from inferspeed_magic.panel import CellProgress, NoProgress
from inferspeed_magic.profiling import arguments
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.profiling.more import More, alone
from inferspeed_magic.profiling.run import Run
from inferspeed_magic.report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.records import ProfileRecord, Request

_last_report: Report | None = None


def last_report() -> Report | None:
    """Return the report of the latest ``profile`` of this process, a partial one if it was interrupted."""
    return _last_report


def profile(
    models: Any,
    *,
    runtimes: Sequence[str] | str | None = None,
    batch_sizes: Sequence[int] | int = (1,),
    inputs: Any = None,
    input_shapes: Sequence[Any] | None = None,
    device: str = "cpu",
    threads: int | None = None,
    scenario: str = "single_stream",
    target_qps: float | None = None,
    latency_slo_ms: float | None = None,
    duration_s: float = 1.0,
    baseline: str | None = None,
    seed: int = 0,
    batch_in_file: str = "best",
    techniques: Sequence[str] | str | None = None,
    progress: bool = True,
) -> Report:
    """Measure how fast models are on each call path and runtime of this machine.

    Args:
        models: a Keras model, a path (``.keras``, ``.h5``, SavedModel folder, ``.onnx``, ``.tflite``), a list of
            these, or a dictionary from names to these.
        runtimes: names; None takes all, ``keras`` is the four Keras call paths.
        batch_sizes: samples per inference.
        inputs: arrays to run with, the batch dimension first (a list or dictionary for models with several inputs;
            or a dictionary from the names of the models to these). None makes random ones up.
        input_shapes: shapes of the inputs without the batch, for models that leave dimensions open.
        device: ``cpu``, ``gpu`` or ``gpu:N``.
        threads: for one inference; None takes the cores that this process is given.
        scenario: ``single_stream``, ``offline`` or ``server`` (with ``target_qps`` or ``latency_slo_ms``).
        target_qps: Poisson arrivals per second.
        latency_slo_ms: find the highest rate whose p99 latency stays under this bound.
        duration_s: timed seconds for each candidate.
        baseline: what speed-ups refer to: ``model/runtime``, a runtime (each model's own), or a model (each
            runtime's own); None takes the first candidate that could be measured.
        seed: of made-up inputs, order of turns and arrivals.
        batch_in_file: ``static`` for files made for one batch size, ``dynamic`` for files that take any, ``best`` for
            whichever is faster (both are made and tried).
        techniques: to apply to the files of the runtimes, beside the model as it is: ``post_training_dynamic`` ... They
            change the model; ``relative_error`` says by how much.
        progress: show what is being done.

    Returns:
        A report with one result for every model, batch size and runtime: measured, or the reason why not.

    Raises:
        UserError: for mistakes, in one line that names the mend, before any long work.
        ProfileInterrupted: on Ctrl-C or a kernel interrupt; its ``report`` holds what was measured until then.
    """
    asked = arguments.request(
        runtimes=runtimes,
        batch_sizes=batch_sizes,
        device=device,
        threads=threads,
        scenario=scenario,
        target_qps=target_qps,
        latency_slo_ms=latency_slo_ms,
        duration_s=duration_s,
        baseline=baseline,
        seed=seed,
        batch_in_file=batch_in_file,
        techniques=techniques,
    )
    handed_in = arguments.named(models)
    _check_baseline(asked, list(handed_in))
    run = Run(asked, LIMITS, CellProgress() if progress else NoProgress())
    more = More(handed_in, inputs, input_shapes)
    with alone():
        try:
            record = run.run(handed_in, inputs, input_shapes)
        except KeyboardInterrupt:
            report = _keep(run.record(interrupted=True), more)
            raise ProfileInterrupted(
                "interrupted, partial results kept in inferspeed_magic.last_report()",
                report,
            ) from None
    return _keep(record, more)


def _keep(record: ProfileRecord, more: More) -> Report:
    global _last_report  # noqa: PLW0603  (what an interrupted cell leaves behind has to be found somewhere)
    _last_report = Report(record, more)
    return _last_report


def _check_baseline(asked: Request, models: list[str]) -> None:
    if asked.baseline is None:
        return
    model, slash, runtime = asked.baseline.rpartition("/")
    fits = (
        (model in models and runtime in asked.runtimes)
        if slash and asked.baseline not in models
        else (asked.baseline in models or asked.baseline in asked.runtimes)
    )
    if not fits:
        raise OptionError(
            f"baseline `{asked.baseline}` is not among what is measured: say model/runtime, a model "
            f"({', '.join(models)}) or a runtime ({', '.join(asked.runtimes)})"
        )
