"""What accuracy means: from what the user asked for, what the model was compiled with, or what the data looks like."""

from __future__ import annotations

import difflib
import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import InputError, OptionError, UserError
from inferspeed_magic.records.accuracy import Metric
from inferspeed_magic.search import agreement_metrics, keras_metrics, sample_metrics, sklearn_metrics
from inferspeed_magic.search.compiled import compiled, loss_says_regression, output_names
from inferspeed_magic.search.measure import Measure, higher_is_better
from inferspeed_magic.search.scorer import Scorer, label_of, picker, quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.search.splitting import Labels

    Array = np.ndarray[Any, Any]

__all__ = ["Scorer", "resolve"]


def resolve(model: Any, metric: Any, labels: Labels, outputs: Sequence[Array]) -> Scorer:
    """Find out how candidates are scored.

    Args:
        model: of Keras 3 or tf_keras; None for files.
        metric: None for what the model was compiled with, or what labels and outputs suggest; the name of a metric or
            loss of Keras, or of a metric or scorer of scikit-learn; a metric (object or class) or loss of Keras; a
            function ``metric(y_true, y_pred)`` of arrays that returns a number (higher is better unless its name ends
            like an error's, or it has an attribute ``greater_is_better``). With several outputs a function gets the
            lists of all, everything else looks at the first output (or the first that has a metric).
        labels: for each output; None for agreement with the original's own answers.
        outputs: of the original, on the samples that the labels are of.

    Raises:
        OptionError: for a metric that does not exist, or cannot be computed from these labels and outputs.
        InputError: for labels that do not fit the outputs.
    """
    if isinstance(metric, list | tuple | dict):
        raise OptionError("one metric at a time: give its name, a Keras metric or a function metric(y_true, y_pred)")
    if labels is None:
        return _agreement(model, metric, outputs)
    if metric is None:
        scorer = _compiled(model, labels, outputs) or _inferred(labels, outputs, output_names(model, len(outputs)))
    elif callable(metric) and not _from_a_library(metric):
        scorer = _own_function(metric, labels, outputs)
    else:
        scorer = _on_one_output(model, metric, labels, outputs, 0)
    return _tried(scorer, labels, outputs)


def _agreement(model: Any, metric: Any, outputs: Sequence[Array]) -> Scorer:
    names = agreement_metrics.NAMES
    if metric is not None and metric not in names:
        raise OptionError(
            f"metric `{_name(metric)}` needs labels: give data=(x, y). Without labels there are {', '.join(names)}"
        )
    regression = True if _gives_back_its_input(model) else loss_says_regression(model)
    measure = agreement_metrics.agreement(outputs, metric, regression=regression)
    note = f"without labels: {measure.name} with the original's own answers, which is not accuracy"
    return Scorer(
        Metric(measure.name, labelled=False), measure, lambda expected, found: (expected, found), (note, *measure.notes)
    )


def _gives_back_its_input(model: Any) -> bool:
    """Tell an autoencoder: its only output is shaped like its only input."""
    shapes = [getattr(model, side, None) for side in ("input_shape", "output_shape")]
    return isinstance(shapes[0], tuple) and shapes[0] == shapes[1] and len(shapes[0]) > 1


def _compiled(model: Any, labels: Labels, outputs: Sequence[Array]) -> Scorer | None:
    found = compiled(model, len(outputs)) if model is not None else None
    if found is None:
        return None
    scorer = _on_one_output(model, found.identifier, labels, outputs, found.output)
    what = "loss" if found.is_loss else "metric"
    return replace(scorer, notes=(f"{scorer.metric.name}: the {what} that the model was compiled with", *scorer.notes))


def _inferred(labels: Labels, outputs: Sequence[Array], names: list[str]) -> Scorer:
    measure, why = sample_metrics.inferred(label_of(labels, 0, len(outputs), names), outputs[0])
    note = f"{measure.name}: {why}, and the model was compiled with no metric; name another with metric="
    return _scorer(measure, outputs, names, 0, (note,))


def _on_one_output(model: Any, metric: Any, labels: Labels, outputs: Sequence[Array], position: int) -> Scorer:
    names = output_names(model, len(outputs))
    chosen = label_of(labels, position, len(outputs), names)
    if not len(chosen):
        raise InputError("there is no sample to score")
    return _scorer(_measure(metric, chosen, outputs[position]), outputs, names, position, ())


def _scorer(
    measure: Measure, outputs: Sequence[Array], names: list[str], position: int, notes: tuple[str, ...]
) -> Scorer:
    warnings: tuple[str, ...] = ()
    if len(outputs) > 1:
        name = names[position] if names else str(position + 1)
        said = f"{measure.name} looks at output {name} alone, of {len(outputs)}: what becomes of the others is not seen"
        warnings = (f"{said}; a function of (y_true, y_pred) as metric sees all of them",)
    return Scorer(
        Metric(measure.name, measure.higher_is_better, relative=not measure.higher_is_better or measure.unscaled),
        measure,
        picker(position, len(outputs), names),
        (*notes, *measure.notes),
        warnings,
    )


def _measure(metric: Any, labels: Array, outputs: Array) -> Measure:
    if isinstance(metric, str):
        with quiet():
            return _by_name(metric, labels, outputs)
    name = _name(metric)
    try:
        with quiet():
            if sklearn_metrics.is_sklearn(metric):
                return sklearn_metrics.of(metric, name, outputs)
            return keras_metrics.of(metric() if isinstance(metric, type) else metric, name, labels, outputs)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001  (metrics raise what they like)
        raise _not_computable(name, error, labels, outputs) from None


def _by_name(name: str, labels: Array, outputs: Array) -> Measure:
    try:
        found = sample_metrics.named(name, labels, outputs) or keras_metrics.by_name(name, labels, outputs)
        if found is not None:
            return found
        legacy = keras_metrics.legacy_by_name(name)
        if legacy is not None:
            return keras_metrics.of(legacy, name, labels, outputs)
        scorer = sklearn_metrics.by_name(name)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001  (metrics raise what they like)
        raise _not_computable(name, error, labels, outputs) from None
    if scorer is None:
        raise _unknown(name)
    return sklearn_metrics.of(scorer, name, outputs)


def _unknown(name: str) -> OptionError:
    known = [*sample_metrics.ACCURACY, *keras_metrics.known_names(), *sklearn_metrics.known_names()]
    close = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {close[0]}?" if close else "give one of Keras or scikit-learn, or a function"
    return OptionError(f"there is no metric `{name}`: {hint}")


def _not_computable(name: str, error: BaseException, labels: Array, outputs: Array) -> OptionError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[0] if lines else type(error).__name__
    hint = ""
    short = name.removesuffix("_score")
    if short in {"f1", "precision", "recall", "jaccard"} and outputs.shape[-1:] > (2,):
        hint = f"; for several classes there are {short}_macro and {short}_weighted"
    elif short == "roc_auc" and outputs.shape[-1:] > (2,):
        hint = "; for several classes there are roc_auc_ovr and roc_auc_ovo"
    elif isinstance(error, TypeError) and "missing" in reason:
        hint = "; give the metric object in place of its name"
    return OptionError(
        f"metric `{name}` cannot be computed from labels of shape {labels.shape} and outputs of shape {outputs.shape}: "
        f"{reason[:200].rstrip('.')}{hint}"
    )


def _own_function(function: Callable[..., Any], labels: Labels, outputs: Sequence[Array]) -> Scorer:
    """Make a scorer of a user's function: it gets labels and outputs as ``predict`` would give them."""
    name = _name(function)
    single = len(outputs) == 1
    takes_weights = _takes_weights(function)

    def pick(y: Any, p: Sequence[Array]) -> tuple[Any, Any]:
        return (label_of(y, 0, 1, []), p[0]) if single else (y, list(p))

    def whole(y: Any, p: Any, weights: Array | None) -> float:
        returned = function(y, p, sample_weight=weights) if weights is not None and takes_weights else function(y, p)
        value = np.asarray(returned.detach().cpu() if hasattr(returned, "detach") else returned)
        if value.size != 1:
            raise OptionError(f"metric `{name}` has to return one number, it returned an array of shape {value.shape}")
        return float(value.reshape(()))

    def values(y: Any, p: Any) -> Array:
        return np.asarray(function(y, p), np.float64)

    try:
        shape = np.shape(function(*pick(labels, outputs)))
    except Exception as error:
        raise OptionError(f"metric `{name}` failed: {type(error).__name__}: {error}") from error
    each = shape == (len(outputs[0]),) and shape != (1,)
    higher = higher_is_better(function, name)
    measure = Measure(name, higher, values=values if each else None, whole=None if each else whole)
    notes = () if getattr(function, "greater_is_better", None) is not None else (_direction_note(name, higher=higher),)
    return Scorer(Metric(name, higher, relative=not higher), measure, pick, notes)


def _direction_note(name: str, *, higher: bool) -> str:
    return f"{name}: {'higher' if higher else 'lower'} is taken for better; its attribute greater_is_better can say"


def _takes_weights(function: Callable[..., Any]) -> bool:
    try:
        return "sample_weight" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _from_a_library(metric: Any) -> bool:
    return keras_metrics.is_keras(metric) or sklearn_metrics.is_sklearn(metric)


def _name(metric: Any) -> str:
    if isinstance(metric, str):
        return metric
    name = getattr(metric, "name", None) or getattr(metric, "__name__", None)
    if name is None and hasattr(metric, "_score_func"):
        name = getattr(metric._score_func, "__name__", None)  # noqa: SLF001  (scorers have no name)
    return str(name or type(metric).__name__)


def _tried(scorer: Scorer, labels: Labels, outputs: Sequence[Array]) -> Scorer:
    """Score the original once: what cannot be computed says so now; scores beyond 1 have no natural scale."""
    try:
        score = scorer.score(labels, outputs)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001  (as above)
        picked = scorer.pick(labels, outputs)
        if not all(isinstance(each, np.ndarray) for each in picked):
            raise OptionError(f"metric `{scorer.metric.name}` failed: {error}") from None
        raise _not_computable(scorer.metric.name, error, *picked) from None
    if not np.isfinite(score):
        raise InputError(
            f"the original's own {scorer.metric.name} on the data is {score}: labels or outputs hold NaN, infinite "
            "numbers or a single class"
        )
    if scorer.metric.higher_is_better and not scorer.metric.relative and abs(score) > 1:
        note = f"{scorer.metric.name} is not between 0 and 1: drops are shares of the original's"
        return replace(scorer, metric=replace(scorer.metric, relative=True), notes=(*scorer.notes, note))
    return scorer
