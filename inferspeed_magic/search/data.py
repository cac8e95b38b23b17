"""The user's data: what was given, checked against the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import InputError
from inferspeed_magic.search.batches import MOST_BYTES, MOST_SAMPLES, as_numpy, comes_in_batches, gathered
from inferspeed_magic.search.splitting import Part, Split, split
from inferspeed_magic.sources.inputs import checked
from inferspeed_magic.sources.structure import leaves, taken

if TYPE_CHECKING:
    from inferspeed_magic.records.signature import Signature
    from inferspeed_magic.search.splitting import Labels
    from inferspeed_magic.sources.source import Source

    Array = np.ndarray[Any, Any]

__all__ = ["Part", "Samples", "Split", "Unpacked", "checked_data", "split", "unpacked"]

#: Made-up samples, where the user gave none: a hundred for each end, unless they are large.
_MADE_UP = 300
_MADE_UP_BYTES = 2**28
_FEWEST_MADE_UP = 16
_FEWEST = 100
_PARTS = 3
_MEND = "give data=(x, y), (x, y, sample_weight), or x alone without labels"


@dataclass(frozen=True)
class Samples:
    """What the user gave, in the order of the model's flat inputs.

    Attributes:
        inputs: one array for each input, samples first.
        labels: an array for each output, by position or by name; None without labels.
        weights: of samples, shape ``(samples,)`` or ``(samples, steps)``; None for equal ones.
        signature: of the model, with open dimensions filled from the data.
        given: whether the user gave the inputs; otherwise they were made up.
        notes: for the report.
    """

    inputs: list[Array]
    labels: Labels
    weights: Array | None
    signature: Signature
    given: bool = True
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs[0])


@dataclass(frozen=True)
class Unpacked:
    """Data taken apart, not looked at yet.

    Attributes:
        x: inputs as the model takes them: an array, or a list or dict of arrays.
        y: labels; None without any.
        weights: of samples; None for equal ones.
        notes: for the report.
    """

    x: Any
    y: Any = None
    weights: Any = None
    notes: tuple[str, ...] = field(default=())


def unpacked(data: Any, *, most_samples: int | None = MOST_SAMPLES) -> Unpacked:
    """Tell inputs from labels.

    A tuple is always ``(x, y)`` or ``(x, y, sample_weight)``; a list, a dict or an array is always ``x`` alone, so that
    ``[a, b]`` are the two inputs of a model. What comes in batches (tf.data.Dataset, PyDataset, DataLoader, generator)
    is read as Keras reads it, up to 2 GiB.

    Args:
        data: what was given.
        most_samples: that are read of what comes in batches; None for all.

    Raises:
        InputError: for what is no data.
    """
    if isinstance(data, Unpacked):
        return data
    notes: tuple[str, ...] = ()
    if comes_in_batches(data):
        data, note = gathered(data, most_samples)
        notes = () if note is None else (note,)
    elif not isinstance(data, tuple):
        data = (data,)
    if not 0 < len(data) <= _PARTS:
        raise InputError(f"data is a tuple of {len(data)}: {_MEND}")
    x, y, weights = (*data, None, None)[:_PARTS]
    return Unpacked(x, y, weights, notes)


def checked_data(source: Source, data: Any, seed: int = 0, *, most_samples: int | None = MOST_SAMPLES) -> Samples:
    """Check the user's data against the model.

    Args:
        source: the model; its open dimensions are filled from the data in the signature of what is returned.
        data: as of ``unpacked``; None for inputs that are made up.
        seed: of what is made up, and of the choice where there is too much.
        most_samples: that are taken; None for all that memory has room for.

    Raises:
        InputError: naming what is wrong, and how to mend it.
    """
    if data is None:
        return Samples(_made_up(source, seed), None, None, source.signature, given=False)
    name, signature = source.name, source.signature
    parts = unpacked(data)
    if parts.x is None:
        raise InputError(f"the data has no inputs: {_MEND}")
    inputs = _as_keras_takes_them(signature, _frames_as_dicts(signature, parts.x))
    samples = _count(inputs)
    labels, weights = _labels(parts.y, samples), _weights(parts.weights, samples)
    chosen, note = _chosen(samples, [*leaves(inputs), *leaves(labels)], seed, most_samples)
    notes = parts.notes
    if note is not None:
        inputs, labels, weights = (taken(part, chosen) for part in (inputs, labels, weights))
        notes += (note,)
    try:
        filled, arrays = checked(name, signature, inputs)
    except InputError as error:
        raise InputError(str(error).replace("--input ", "the data ") + _hint(data, signature)) from None
    return Samples(arrays, labels, weights, filled, notes=notes)


def _made_up(source: Source, seed: int) -> list[Array]:
    one = sum(array.nbytes for array in source.samples(1, seed)) // max(1, source.signature.fixed_batch or 1)
    return source.samples(max(_FEWEST_MADE_UP, min(_MADE_UP, _MADE_UP_BYTES // max(1, one))), seed)


def _hint(data: Any, signature: Signature) -> str:
    """Say what may be meant where a tuple and a list were mixed up."""
    if isinstance(data, list) and len(signature.inputs) == 1:
        return "; a list holds several inputs: with labels give a tuple, data=(x, y)"
    if isinstance(data, tuple) and len(signature.inputs) > 1 and not isinstance(data[0], list | tuple | dict):
        return "; a tuple is (x, y): with several inputs x is a list or a dict of them"
    return ""


def _frames_as_dicts(signature: Signature, x: Any) -> Any:
    """Let the columns of a data frame be the inputs of a model that has several."""
    columns = [str(column) for column in getattr(x, "columns", ())]
    if len(signature.inputs) > 1 and {spec.name for spec in signature.inputs} <= set(columns):
        return {str(column): as_numpy(x[column]) for column in x.columns}
    return x


def _as_keras_takes_them(signature: Signature, x: Any) -> Any:
    """Make arrays, and add or drop a last dimension of 1 as Keras does where the model expects it."""
    specs = signature.inputs
    if isinstance(x, dict):
        by_name = {spec.name: spec.shape for spec in specs}
        return {key: _with_rank(as_numpy(each), by_name.get(str(key))) for key, each in x.items()}
    if isinstance(x, list | tuple) and (len(specs) > 1 or np.ndim(x[0] if x else 0) == len(specs[0].shape) + 1):
        shapes = [spec.shape for spec in specs] + [None] * len(x)
        return [_with_rank(as_numpy(each), shape) for each, shape in zip(x, shapes, strict=False)]
    return _with_rank(as_numpy(x), specs[0].shape if len(specs) == 1 else None)


def _with_rank(array: Array, shape: tuple[int | None, ...] | None) -> Array:
    if shape is None:
        return array
    wanted = len(shape) + 1
    if array.ndim == wanted - 1 and array.ndim and shape[-1] == 1:
        return array[..., np.newaxis]
    return array[..., 0] if array.ndim == wanted + 1 and array.shape[-1] == 1 else array


def _count(inputs: Any) -> int:
    lengths = {len(array) if array.ndim else 0 for array in leaves(inputs)}
    if len(lengths) > 1:
        raise InputError(f"the inputs differ in the number of samples: {sorted(lengths)}")
    return lengths.pop() if lengths else 0


def _labels(y: Any, samples: int) -> Labels:
    """Bring labels into a list (by position) or a dict (by name) of arrays.

    A list is one label for each output if it holds arrays as long as the data, and a single array otherwise.
    """
    if y is None:
        return None
    if isinstance(y, dict):
        labels: list[Array] | dict[str, Array] = {str(name): as_numpy(each) for name, each in y.items()}
    elif (
        isinstance(y, list | tuple) and len(y) != samples and all(np.ndim(each) and len(each) == samples for each in y)
    ):
        labels = [as_numpy(each) for each in y]
    else:
        labels = [as_numpy(y)]
    for array in leaves(labels):
        if array.dtype.kind not in "biuf":
            mend = "give the numbers of classes, from 0, or numbers to predict"
            raise InputError(f"labels must be numbers, these are {array.dtype}: {mend}")
        if not array.ndim or len(array) != samples:
            raise InputError(
                f"the data has {samples} inputs and {len(array) if array.ndim else 1} labels: both must be of the same "
                "samples"
            )
    return labels


def _weights(weights: Any, samples: int) -> Array | None:
    if weights is None:
        return None
    if isinstance(weights, dict) or (isinstance(weights, list | tuple) and any(np.ndim(each) for each in weights)):
        raise InputError("sample weights must be one array: one weight for each sample")
    array = as_numpy(weights)
    if array.dtype.kind not in "biuf" or not array.ndim or len(array) != samples:
        raise InputError(f"sample weights must be {samples} numbers, one for each sample; their shape is {array.shape}")
    if not np.isfinite(array).all() or (array < 0).any() or not array.any():
        raise InputError("sample weights must be finite and not below 0, and one at least above 0")
    return array.astype(np.float64)


def _chosen(samples: int, arrays: list[Array], seed: int, most_samples: int | None) -> tuple[Array, str | None]:
    """Choose samples where there are more than are needed, or than fit into memory twice."""
    each = sum(array.nbytes for array in arrays) / max(1, samples)
    most = min(most_samples or samples, max(_FEWEST, int(MOST_BYTES // max(1.0, each))))
    if samples <= most:
        return np.arange(samples), None
    chosen = np.sort(np.random.default_rng(seed).choice(samples, most, replace=False))
    return chosen, f"{most:,} of the {samples:,} samples given were used"
