"""Metrics and scorers of scikit-learn, which is optional."""

from __future__ import annotations

import importlib.util
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import OptionError
from inferspeed_magic.search.measure import (
    Measure,
    aligned,
    are_indices,
    are_probabilities,
    lower_is_better,
    rows_sum_to_one,
    squashed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, Any]

#: Well-known names, by which a missing installation can be told from a typing mistake.
_LIKELY = (
    "accuracy_score", "average_precision", "balanced_accuracy", "cohen_kappa_score", "explained_variance", "f1",
    "f1_macro", "f1_micro", "f1_weighted", "jaccard", "log_loss", "matthews_corrcoef", "max_error",
    "median_absolute_error", "neg_log_loss", "neg_mean_absolute_error", "neg_mean_squared_error", "precision_macro",
    "r2", "recall_macro", "roc_auc", "roc_auc_ovr", "top_k_accuracy",
)  # fmt: skip
_OF_SCORES = (
    "log_loss", "brier_score_loss", "hinge_loss", "top_k_accuracy_score", "d2_log_loss_score", "d2_brier_score"
)  # fmt: skip
#: What takes other arguments or returns no number.
_NO_SCORE = (
    "calinski", "check_scoring", "class_likelihood", "classification_report", "completeness_v", "confusion_matrix",
    "consensus", "curve", "davies", "distances", "get_scorer", "make_scorer", "metric_at", "pairwise", "silhouette",
    "support",
)  # fmt: skip


def installed() -> bool:
    """Tell whether scikit-learn can be imported, without doing so."""
    return importlib.util.find_spec("sklearn") is not None


def known_names() -> list[str]:
    """List scorers and functions; a few well-known ones where scikit-learn is not installed."""
    if not installed():
        return list(_LIKELY)
    from sklearn import metrics  # type: ignore[import-untyped]

    functions = [name for name in metrics.__all__ if inspect.isfunction(inspect.unwrap(getattr(metrics, name)))]
    scores = [name for name in functions if not any(part in name for part in _NO_SCORE)]
    return sorted({*metrics.get_scorer_names(), *scores})


def is_sklearn(thing: Any) -> bool:
    """Tell whether this is a function or a scorer of scikit-learn."""
    return any(getattr(each, "__module__", "").startswith("sklearn.") for each in (thing, type(thing)))


def by_name(name: str) -> Any:
    """Give the scorer or the function of this name; None for none.

    Raises:
        OptionError: where it is one of scikit-learn's, and that is not installed.
    """
    if name not in known_names():
        return None
    if not installed():
        raise OptionError(f"metric `{name}` is one of scikit-learn's, which is missing: pip install scikit-learn")
    from sklearn import metrics

    return metrics.get_scorer(name) if name in metrics.get_scorer_names() else getattr(metrics, name)


def of(thing: Any, name: str, outputs: Array) -> Measure:
    """Make a measure of a scorer or a function.

    It gets classes (the largest output, or a decision at 0.5) or probabilities, as it wants; regression metrics get
    the outputs as they are. Steps and pixels count as samples.

    Args:
        thing: scorer object (``get_scorer("f1_macro")``) or function.
        name: for the report.
        outputs: of the original; whether they are logits is read off these.
    """
    function = getattr(thing, "_score_func", thing)
    sign = getattr(thing, "_sign", 1)
    arguments = dict(getattr(thing, "_kwargs", {}))
    title = getattr(function, "__name__", name)
    lower = lower_is_better(title) and not title.endswith("_score")  # that is scikit-learn's own rule
    weighted = "sample_weight" in inspect.signature(function).parameters
    shown = _shown(thing, function, title, outputs)

    def whole(labels: Array, found: Array, weights: Array | None) -> float:
        y, p = shown(labels, found)
        extra = dict(arguments)
        if weights is not None and weighted:
            extra["sample_weight"] = (
                np.repeat(weights, len(y) // len(weights)) if weights.ndim == 1 else weights.ravel()
            )
        return float(sign * function(y, p, **extra))

    # A scorer turns errors round (neg_mean_squared_error): higher is better, on no natural scale.
    turned = sign < 0
    return Measure(name, higher_is_better=turned or not lower, whole=whole, unscaled=turned)


def _shown(thing: Any, function: Any, title: str, outputs: Array) -> Callable[[Array, Array], tuple[Array, Array]]:
    if "_regression" in getattr(function, "__module__", ""):
        return lambda y, p: _rows(aligned(y, p), p)
    logits = not are_probabilities(outputs)
    if not _wants_scores(thing, function, title):
        return lambda y, p: _decisions(y, p, 0.0 if logits else 0.5)

    def scores(y: Array, p: Array) -> tuple[Array, Array]:
        several = p.ndim > 1 and p.shape[-1] > 1
        matched = aligned(y, p)
        excluding = several and (are_indices(matched, p) or bool((matched.sum(axis=-1) == 1).all()))
        likely = squashed(p) if logits and (excluding or not several) else p
        if excluding and not logits and rows_sum_to_one(outputs):
            likely = likely.astype(np.float64) / likely.sum(axis=-1, dtype=np.float64, keepdims=True)
        if excluding:
            classes = matched if are_indices(matched, p) else matched.argmax(axis=-1)
            likely = likely.reshape(-1, p.shape[-1])
            return classes.ravel(), likely[:, 1] if likely.shape[1] == 2 else likely  # noqa: PLR2004
        return (matched, likely) if several else (matched.ravel(), likely.ravel())

    return scores


def _wants_scores(thing: Any, function: Any, title: str) -> bool:
    response = getattr(thing, "_response_method", None)
    if response is not None:
        return bool(response != "predict")
    return title in _OF_SCORES or getattr(function, "__module__", "").endswith("_ranking")


def _decisions(labels: Array, outputs: Array, threshold: float) -> tuple[Array, Array]:
    matched = aligned(labels, outputs)
    several = outputs.ndim > 1 and outputs.shape[-1] > 1
    if several and are_indices(matched, outputs):
        return matched.ravel(), outputs.argmax(axis=-1).ravel()
    if several and bool((matched.sum(axis=-1) == 1).all()):
        return matched.argmax(axis=-1).ravel(), outputs.argmax(axis=-1).ravel()
    decided = (outputs > threshold).astype(np.int64)
    if several:
        return matched.astype(np.int64).reshape(-1, outputs.shape[-1]), decided.reshape(-1, outputs.shape[-1])
    return matched.ravel(), decided.ravel()


def _rows(labels: Array, outputs: Array) -> tuple[Array, Array]:
    """Give columns as they are, and steps as rows."""
    if outputs.ndim <= 2:  # noqa: PLR2004
        return labels, outputs
    return labels.reshape(-1, labels.shape[-1]), outputs.reshape(-1, outputs.shape[-1])
