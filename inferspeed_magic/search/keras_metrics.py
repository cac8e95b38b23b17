"""Metrics and losses of Keras 3 and tf_keras: by name, as objects, as functions."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.search.measure import (
    Measure,
    aligned,
    are_indices,
    are_probabilities,
    higher_is_better,
    one_hot,
    snake_case,
    squashed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Array = np.ndarray[Any, Any]

#: Values of samples are computed in pieces of about this size.
_PIECE_BYTES = 2**26
_AGREES = 1e-3
_ANY_CROSSENTROPY = ("crossentropy", "ce")
#: What these look at has to lie between 0 and 1 (or to say that it does not).
_OF_PROBABILITIES = (
    "auc", "precision", "recall", "f1", "fbeta", "crossentropy", "sensitivity", "specificity", "positives", "negatives",
    "binaryiou", "kldivergence", "dice", "tversky",
)  # fmt: skip


def is_keras(thing: Any) -> bool:
    """Tell whether this is a metric, a loss or a function of Keras or tf_keras, or made from one of their classes."""
    classes = thing.__mro__ if isinstance(thing, type) else type(thing).__mro__
    if any(_is_from_keras(each) and each.__name__ in {"Metric", "Loss"} for each in classes):
        return True
    return inspect.isfunction(thing) and _is_from_keras(thing)


def known_names() -> list[str]:
    """List the names that ``by_name`` knows."""
    return sorted({snake_case(name) for name in _index().values()})


def by_name(name: str, labels: Array, outputs: Array) -> Measure | None:
    """Give any metric or loss of Keras by its name, however that is written; None for no such name.

    Labels are brought into the form that it wants (numbers of classes or one-hot), logits into probabilities.

    Raises:
        TypeError: for metrics that cannot be made without arguments.
    """
    import keras

    found = _index().get(_crossentropy_for(labels, outputs) if name.lower() in _ANY_CROSSENTROPY else _plain(name))
    if found is None:
        return None
    thing = getattr(keras.metrics, found, None) or getattr(keras.losses, found)
    notes: tuple[str, ...] = ()
    if isinstance(thing, type):
        arguments = _arguments(thing, labels, outputs)
        thing = thing(**arguments)
        if "average" in arguments:
            notes = ("the mean over classes",)
    wants_probabilities = any(part in _plain(found) for part in _OF_PROBABILITIES)
    squash = wants_probabilities and not are_probabilities(outputs)
    if squash:
        notes += ("outputs are taken for logits: " + ("sigmoid" if outputs.shape[-1] == 1 else "softmax"),)
    measure = of(thing, name, labels, outputs, prepare=squashed if squash else None)
    return Measure(
        name,
        measure.higher_is_better,
        measure.values,
        measure.whole,
        decisions=measure.decisions,
        notes=notes + measure.notes,
    )


def of(
    thing: Any, name: str, labels: Array, outputs: Array, *, prepare: Callable[[Array], Array] | None = None
) -> Measure:
    """Make a measure of a metric object, a loss object, or a function that takes tensors.

    Args:
        thing: of Keras 3 or tf_keras; what the user's model was compiled with keeps its state.
        name: for the report.
        labels: to find out what it returns.
        outputs: of the original.
        prepare: what outputs go through before; None for nothing.
    """
    tensors = _to_tensors(thing)
    adapt = _adapted(thing, name)

    def pair(y: Array, p: Array) -> tuple[Any, Any]:
        shown = p if prepare is None else prepare(p)
        return tensors(adapt(y, shown)), tensors(shown)

    higher = higher_is_better(thing, name)
    function = _function_of(thing)
    if hasattr(thing, "update_state"):
        whole = _stateful(thing, pair)
    elif function is not None:
        whole = _mean_of(function, pair)
    else:
        raise TypeError(f"{name} is neither a metric nor a loss")
    if function is not None and _gives_values(function, pair, labels, outputs, whole):
        return Measure(name, higher, values=_in_pieces(function, pair), decisions=_decisions(thing, outputs))
    return Measure(name, higher, whole=whole)


def _decisions(thing: Any, outputs: Array) -> int | None:
    """Give the number of classes that an accuracy chooses among; None for other metrics."""
    kind = snake_case(getattr(thing, "__name__", type(thing).__name__))
    if kind in {"sparse_categorical_accuracy", "categorical_accuracy"}:
        return int(outputs.shape[-1])
    return 2 if kind == "binary_accuracy" else None


def _is_from_keras(thing: Any) -> bool:
    return getattr(thing, "__module__", "").partition(".")[0] in {"keras", "tf_keras"}


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")


def _index() -> dict[str, str]:
    """Map plain names to attributes of ``keras.metrics`` and ``keras.losses``, classes before functions."""
    import keras

    table: dict[str, str] = {}
    for module in (keras.metrics, keras.losses):
        things = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
        classes = [name for name, thing in things.items() if isinstance(thing, type)]
        functions = [name for name, thing in things.items() if inspect.isfunction(thing)]
        for name in [*classes, *functions]:
            if name not in {"Metric", "Loss", "Mean", "Sum", "MeanMetricWrapper", "get", "serialize", "deserialize"}:
                table.setdefault(_plain(name), name)
    return table | {"meaniou": "MeanIoU", "miou": "MeanIoU", "kld": "KLDivergence"}


def _crossentropy_for(labels: Array, outputs: Array) -> str:
    """Choose as ``keras.src.trainers.compile_utils.get_loss`` does."""
    if outputs.ndim == 1 or outputs.shape[-1] == 1:
        return "binarycrossentropy"
    sparse = labels.ndim < outputs.ndim or labels.shape[-1] == 1
    return "sparsecategoricalcrossentropy" if sparse else "categoricalcrossentropy"


def _arguments(kind: type, labels: Array, outputs: Array) -> dict[str, Any]:
    """Give the arguments that follow from the data."""
    wanted = inspect.signature(kind).parameters
    classes = outputs.shape[-1] if outputs.ndim > 1 else 1
    arguments: dict[str, Any] = {}
    if "num_classes" in wanted and kind.__name__ == "MeanIoU":
        sparse = labels.ndim < outputs.ndim or labels.shape[-1] == 1
        arguments = {"num_classes": classes, "sparse_y_true": sparse, "sparse_y_pred": False}
    elif "num_classes" in wanted and kind.__name__ == "OneHotMeanIoU":
        arguments = {"num_classes": classes}
    elif kind.__name__ in {"F1Score", "FBetaScore"}:
        arguments = {"average": "macro"} if classes > 1 else {"average": "macro", "threshold": 0.5}
    return arguments


def _adapted(thing: Any, name: str) -> Callable[[Array, Array], Array]:
    """Give what brings labels into the form that Keras's own metrics want; users' functions get them as Keras would."""
    own = _is_from_keras(thing if inspect.isfunction(thing) else type(thing))
    if not own:
        legacy = _library(thing) == "tf_keras"
        return lambda y, p: aligned(y, p) if legacy or p.shape[-1:] == (1,) else y
    sparse = "sparse" in (snake_case(type(thing).__name__) + getattr(thing, "__name__", "") + name.lower())
    keeps_indices = sparse or bool(getattr(thing, "sparse_y_true", False))

    def adapt(y: Array, p: Array) -> Array:
        matched = aligned(y, p)
        if are_indices(matched, p) and not keeps_indices:
            return one_hot(matched, p.shape[-1])
        if sparse and matched.ndim == p.ndim and p.ndim and p.shape[-1] > 1:
            classes: Array = matched.argmax(axis=-1)
            return classes
        return matched

    return adapt


def _library(thing: Any) -> str:
    classes = thing.__mro__ if isinstance(thing, type) else type(thing).__mro__
    return "tf_keras" if any(each.__module__.startswith("tf_keras") for each in classes) else "keras"


def _to_tensors(thing: Any) -> Callable[[Array], Any]:
    """Give what makes tensors of arrays, as training would: floats in the library's precision."""
    if _library(thing) == "tf_keras" or str(getattr(thing, "__module__", "")).startswith("tf_keras"):
        import tensorflow as tf

        return lambda array: tf.convert_to_tensor(np.asarray(array, np.float32))
    import keras

    def convert(array: Array) -> Any:
        return keras.ops.convert_to_tensor(array.astype(keras.config.floatx()) if array.dtype.kind == "f" else array)

    return convert


def _to_numpy(value: Any) -> Array:
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value, np.float64)


def _function_of(thing: Any) -> Callable[[Any, Any], Any] | None:
    """Give the function from labels and outputs to values; None for metrics that are no mean of one."""
    for base in type(thing).__mro__:
        if base.__name__ == "MeanMetricWrapper" and type(thing).update_state is base.update_state:  # type: ignore[attr-defined]
            return lambda y, p: thing._fn(y, p, **thing._fn_kwargs)  # noqa: SLF001  (public nowhere, in both libraries)
    if hasattr(thing, "update_state"):
        return None
    if hasattr(thing, "call") and hasattr(thing, "reduction"):
        call: Callable[[Any, Any], Any] = thing.call
        return call
    return thing if callable(thing) else None


def _gives_values(
    function: Callable[[Any, Any], Any],
    pair: Callable[[Array, Array], tuple[Any, Any]],
    labels: Array,
    outputs: Array,
    whole: Callable[[Any, Any, Array | None], float],
) -> bool:
    """Tell whether a function gives a value for each sample, and the score is their mean (no class is ignored)."""
    few = min(len(outputs), 64)
    values = _to_numpy(function(*pair(labels[:few], outputs[:few])))
    if values.ndim == 0 or len(values) != few or few == 1:
        return False
    score = whole(labels[:few], outputs[:few], None)
    return bool(np.isclose(values.mean(), score, rtol=_AGREES, atol=1e-6)) or not np.isfinite(score)


def _in_pieces(
    function: Callable[[Any, Any], Any], pair: Callable[[Array, Array], tuple[Any, Any]]
) -> Callable[[Array, Array], Array]:
    return lambda labels, outputs: np.concatenate(
        [_to_numpy(function(*pair(labels[piece], outputs[piece]))) for piece in _pieces(outputs)]
    )


def _mean_of(
    function: Callable[[Any, Any], Any], pair: Callable[[Array, Array], tuple[Any, Any]]
) -> Callable[[Array, Array, Array | None], float]:
    return lambda labels, outputs, _: float(np.mean(_to_numpy(function(*pair(labels, outputs)))))


def _stateful(
    metric: Any, pair: Callable[[Array, Array], tuple[Any, Any]]
) -> Callable[[Array, Array, Array | None], float]:
    """Score with a metric object; the state that it had (it may be that of the user's model) comes back."""

    def score(labels: Array, outputs: Array, weights: Array | None) -> float:
        before = [_to_numpy(variable) for variable in metric.variables]
        metric.reset_state()
        try:
            for piece in _pieces(outputs):
                extra = {} if weights is None else {"sample_weight": weights[piece].astype(np.float32)}
                metric.update_state(*pair(labels[piece], outputs[piece]), **extra)
            result = metric.result()
            if isinstance(result, dict):
                result = next(iter(result.values()))
            return float(np.mean(_to_numpy(result)))  # of classes, where it is given for each
        finally:
            metric.reset_state()
            if len(before) == len(metric.variables):
                for variable, value in zip(metric.variables, before, strict=True):
                    variable.assign(value.astype(str(getattr(variable.dtype, "name", variable.dtype))))

    return score


def _pieces(outputs: Array) -> Iterator[slice]:
    rows = max(1, _PIECE_BYTES // max(1, outputs[:1].nbytes))
    for start in range(0, max(1, len(outputs)), rows):
        yield slice(start, start + rows)


def legacy_by_name(name: str) -> Any:
    """Give what only tf_keras knows by this name; None where it does not either."""
    tf_keras = sys.modules.get("tf_keras")
    for module in (getattr(tf_keras, "metrics", None), getattr(tf_keras, "losses", None)):
        try:
            found = module.get(name) if module is not None else None
        except Exception:  # noqa: BLE001, S112  (whatever it raises: it does not know it)
            continue
        if callable(found):  # for some names it knows nothing of, it gives back the name
            return found
    return None
