"""The story of each verb, readable top to bottom.

``profile``: look at what was handed in, convert it in the background, open every candidate alone, let all take turns,
derive what may be said, and report.
``optimize``: the same for what techniques make of one model, in the order of what they promise, with accuracy seen
through each candidate's own runtime; and hand back models that can be called.
``explain``: count what models have to do, measure them under several circumstances, look inside, and say why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from inferspeed_magic.errors import OptionError, ProfileInterrupted
from inferspeed_magic.panel import CellProgress, NoProgress
from inferspeed_magic.profiling import arguments
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.profiling.more import More, alone
from inferspeed_magic.profiling.run import Run
from inferspeed_magic.report import ExplainReport, OptimizeReport, Report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inferspeed_magic.records import ProfileRecord, Request
    from inferspeed_magic.search.optimization import Optimization

_AnyReport = TypeVar("_AnyReport", bound=Report)

_last_report: Report | None = None


def last_report() -> Report | None:
    """Return the report of the latest ``profile``, ``optimize`` or ``explain`` here, a partial one if interrupted."""
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


def optimize(
    model: Any,
    data: Any = None,
    *,
    train: Any = None,
    epochs: int | None = None,
    metric: Any = None,
    max_accuracy_drop: float = 0.01,
    target: str = "latency",
    batch_size: int = 1,
    device: str = "cpu",
    threads: int | None = None,
    budget_s: float = 300.0,
    techniques: Sequence[str] | str | None = None,
    runtimes: Sequence[str] | str | None = None,
    exclude: Sequence[str] | str = (),
    max_size_mb: float | None = None,
    max_memory_mb: float | None = None,
    fine_tune: Any = None,
    student: Any = None,
    temperature: float = 3.0,
    features: Mapping[str, str] | None = None,
    evaluate: Any = None,
    calibration: Any = None,
    input_shapes: Sequence[Any] | None = None,
    exhaustive: bool = False,
    seed: int = 0,
    progress: bool = True,
) -> OptimizeReport:
    """Find the fastest version of a model that is still accurate enough.

    Args:
        model: a Keras model or the path of a file, as for ``profile``; or ``{name: model}``.
        data: ``(x, y)``, ``(x, y, sample_weight)``, ``x`` alone (a list for several inputs), or an iterable of batches
            of these. It is split: for calibration, for choosing, and held out to verify the winner once. Without labels
            the agreement with the original takes the place of accuracy; None makes inputs up.
        train: what models that were changed are trained with: as ``data``, other samples. With it, channels are removed
            and what is left learns again, as far as accuracy allows.
        epochs: of one training at most; None for 10. The budget may end it before.
        metric: a metric of Keras or scikit-learn by name, a Keras metric, or a function of ``(y_true, y_pred)``; None
            takes the one that the model was compiled with.
        max_accuracy_drop: how much worse than the original the winner may be: a difference of scores, or for losses and
            errors a share of the original's.
        target: ``latency``, ``throughput``, ``size`` of the file or ``memory`` of its process.
        batch_size: samples per inference.
        device: ``cpu``, ``gpu`` or ``gpu:N``.
        threads: for one inference; None tries several.
        budget_s: seconds for the whole search.
        techniques: names of those to try; None tries all that could pay.
        runtimes: names of those to try; None tries all that are installed.
        exclude: techniques and runtimes to leave out.
        max_size_mb: bound on the file.
        max_memory_mb: bound on the peak memory of the process that runs it.
        fine_tune: a function that trains the model it is given, in place of our own training; it runs in another
            process.
        student: a function that makes a smaller model, which learns the original's answers to ``train``; or several, as
            a dictionary from names to functions.
        temperature: by which the original's answers are softened where they are learned; classes only.
        features: layers of the original by name, and for each the student's layer that learns what it makes; None for
            answers alone.
        evaluate: a function of ``predict`` that returns a score (higher is better), in place of a metric.
        calibration: inputs to find the ranges of activations with, or a function that yields them; None takes some of
            ``data``.
        input_shapes: shapes of the inputs without the batch, for models that leave dimensions open.
        exhaustive: try everything that there is and measure all of it to the end, in place of leaving out what cannot
            pay and dropping losers early; takes many times as long.
        seed: of the split, of made-up inputs and of the order of turns.
        progress: show what is being done.

    Returns:
        A report; ``best`` is called like the model, ``pareto`` and ``pick(name)`` give the others.

    Raises:
        UserError: for mistakes, in one line that names the mend, before any long work.
        ProfileInterrupted: on Ctrl-C or a kernel interrupt; its ``report`` holds what was found until then.
    """
    from inferspeed_magic.search.asked import asked
    from inferspeed_magic.search.optimization import Optimization

    wanted = asked(
        data=data,
        metric=metric,
        max_accuracy_drop=max_accuracy_drop,
        target=target,
        batch_size=batch_size,
        device=device,
        threads=threads,
        budget_s=budget_s,
        names=(techniques, runtimes, exclude),
        bounds_mb=(max_size_mb, max_memory_mb),
        evaluate=evaluate,
        calibration=calibration,
        input_shapes=input_shapes,
        seed=seed,
        exhaustive=exhaustive,
        training=(train, epochs, fine_tune, student),
        distilling=(temperature, features),
    )
    handed_in = arguments.named(model)
    if len(handed_in) > 1:
        raise OptionError(f"one model at a time: {', '.join(handed_in)} are {len(handed_in)}")
    search = Optimization(wanted, LIMITS, CellProgress() if progress else NoProgress())
    with alone():
        try:
            search.run(handed_in)
            return _remember(_report(search))
        except KeyboardInterrupt:
            if not search.has_results:
                raise
            raise ProfileInterrupted(
                "interrupted, what was found is kept in inferspeed_magic.last_report()",
                _remember(_report(search, interrupted=True)),
            ) from None


def explain(
    models: Any,
    *,
    runtimes: Sequence[str] | str | None = None,
    batch_size: int = 1,
    inputs: Any = None,
    input_shapes: Sequence[Any] | None = None,
    device: str = "cpu",
    threads: int | None = None,
    count_only: bool = False,
    duration_s: float = 0.35,
    seed: int = 0,
    progress: bool = True,
) -> ExplainReport:
    """Say where the time of a model goes, or why one model takes as long as another.

    Args:
        models: as for ``profile``: a Keras model, a path, a list of these, or a dictionary from names to these.
        runtimes: to measure on, the one that you use first; None takes ``keras.predict`` and all others but XLA.
        batch_size: samples per inference.
        inputs: arrays to run with, as for ``profile``; None makes random ones up.
        input_shapes: shapes of the inputs without the batch, for models that leave dimensions open.
        device: ``cpu``, ``gpu`` or ``gpu:N``.
        threads: for one inference; None takes the cores that this process is given.
        count_only: measure nothing: ``layers`` alone, with what each has to do.
        duration_s: timed seconds for each candidate.
        seed: of made-up inputs and of the order of turns.
        progress: show what is being done.

    Returns:
        A report; ``findings`` are the reasons, ``layers`` says what each layer has to do and what it takes.

    Raises:
        UserError: for mistakes, in one line that names the mend, before any long work.
        ProfileInterrupted: on Ctrl-C or a kernel interrupt; its ``report`` holds what was found until then.
    """
    from inferspeed_magic.explanation.asked import asked
    from inferspeed_magic.explanation.explanation import Explanation
    from inferspeed_magic.explanation.verification import Verifier

    wanted = asked(
        runtimes_named=runtimes,
        batch_size=batch_size,
        device=device,
        threads=threads,
        count_only=count_only,
        seed=seed,
        duration_s=duration_s,
    )
    handed_in = arguments.named(models)
    work = Explanation(wanted, LIMITS, CellProgress() if progress else NoProgress())
    verifier = Verifier(handed_in, inputs, input_shapes)
    with alone():
        try:
            record = work.run(handed_in, inputs, input_shapes)
        except KeyboardInterrupt:
            if not work.has_begun:
                raise
            raise ProfileInterrupted(
                "interrupted, what was found is kept in inferspeed_magic.last_report()",
                _remember(ExplainReport(work.record(interrupted=True), verifier)),
            ) from None
    return _remember(ExplainReport(record, verifier))


def _report(search: Optimization, *, interrupted: bool = False) -> OptimizeReport:
    return OptimizeReport(*search.report(interrupted=interrupted))


def _keep(record: ProfileRecord, more: More) -> Report:
    return _remember(Report(record, more))


def _remember(report: _AnyReport) -> _AnyReport:
    global _last_report  # noqa: PLW0603  (what an interrupted cell leaves behind has to be found somewhere)
    _last_report = report
    return report


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
