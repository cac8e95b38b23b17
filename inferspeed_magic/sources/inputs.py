"""What a model is run with: the user's own arrays, checked, or made-up ones that do not flatter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import InputError
from inferspeed_magic.sources.structure import flatten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.records.signature import Signature, TensorSpec

    Array = np.ndarray[Any, Any]

#: Integers without a known bound stay below this: small enough for most codes and categories.
_DEFAULT_HIGH = 10
_WORDS_IN_A_TEXT = 8
_WORDS = ("fast", "model", "slow", "cell", "small", "big", "why", "notebook", "layer", "cache")


def with_shapes(name: str, signature: Signature, shapes: Sequence[Sequence[int]] | None) -> Signature:
    """Fill dimensions that the model leaves open from ``--input-shape``.

    Raises:
        InputError: if dimensions stay open, or the shapes given do not fit.
    """
    specs = list(signature.inputs)
    if shapes is not None:
        if len(shapes) != len(specs):
            raise InputError(
                f"`{name}` has {len(specs)} inputs ({_names(specs)}), --input-shape gives {len(shapes)} shapes; "
                "separate the shapes with `;`"
            )
        specs = [_filled(name, spec, tuple(shape)) for spec, shape in zip(specs, shapes, strict=True)]
    for spec in specs:
        if None in spec.shape:
            example = ",".join("64" if size is None else str(size) for size in spec.shape)
            raise InputError(
                f"`{name}` leaves dimensions of input `{spec.name}` open, {_shape(spec.shape)}: "
                f"say them with --input-shape {example} (without the batch), or give data with --input"
            )
    return replace(signature, inputs=tuple(specs))


def _filled(name: str, spec: TensorSpec, shape: tuple[int, ...]) -> TensorSpec:
    if len(shape) != len(spec.shape) or any(
        asked is not None and asked != given for asked, given in zip(spec.shape, shape, strict=True)
    ):
        raise InputError(
            f"`{name}` expects input `{spec.name}` of shape {_shape(spec.shape)} without the batch, "
            f"--input-shape gives {_shape(shape)}"
        )
    return replace(spec, shape=shape)


def names_and_arrays(inputs: Any) -> tuple[list[str], list[Array], Any]:
    """Flatten what the user gave: names of the leaves, arrays, and the nesting.

    Raises:
        InputError: for what is no array.
    """
    leaves, template = flatten(inputs)
    names = list(inputs) if isinstance(inputs, dict) else [f"input_{number}" for number in range(len(leaves))]
    names = sorted(names) if isinstance(inputs, dict) else names
    return [str(name) for name in names], [_as_array(leaf) for leaf in leaves], template


def _as_array(value: Any) -> Array:
    try:
        array = np.asarray(value)
    except Exception as error:
        raise InputError(
            f"inputs must be arrays (or a list or dict of arrays): this {type(value).__name__} is none "
            "(rows of different length?)"
        ) from error
    if array.dtype == object:
        if all(isinstance(each, str) for each in array.ravel()):
            return array.astype(str)
        raise InputError(
            f"inputs must be arrays of numbers or strings, this is a {type(value).__name__} of Python objects "
            "(rows of different length?)"
        )
    if array.ndim == 0:
        raise InputError("inputs must have a batch dimension first; this is a single number")
    return array


def checked(name: str, signature: Signature, inputs: Any) -> tuple[Signature, list[Array]]:
    """Check the user's inputs against the model and cast them where that loses nothing.

    Returns:
        The signature with open dimensions filled from the data, and the arrays in its order.

    Raises:
        InputError: naming what is expected.
    """
    specs = signature.inputs
    if isinstance(inputs, dict):
        missing = [spec.name for spec in specs if spec.name not in inputs]
        if missing:
            raise InputError(f"`{name}` expects the inputs {_names(specs)}; --input lacks {', '.join(missing)}")
        arrays = [_as_array(inputs[spec.name]) for spec in specs]
    else:
        single = len(specs) == 1 and not _is_list_of_one(inputs, len(specs[0].shape) + 1)
        given = [inputs] if single or not isinstance(inputs, list | tuple) else list(inputs)
        if len(given) != len(specs):
            raise InputError(f"`{name}` has {len(specs)} inputs ({_names(specs)}), --input gives {len(given)}")
        arrays = [_as_array(each) for each in given]
    lengths = {len(array) for array in arrays}
    if len(lengths) > 1:
        raise InputError(f"the inputs of `{name}` differ in the number of samples: {sorted(lengths)}")
    if lengths == {0}:
        raise InputError(f"the inputs of `{name}` hold no sample")
    pairs = [_fitted(name, spec, array) for spec, array in zip(specs, arrays, strict=True)]
    return replace(signature, inputs=tuple(spec for spec, _ in pairs)), [array for _, array in pairs]


def _is_list_of_one(inputs: Any, dimensions: int) -> bool:
    """Whether this is a list that holds the one input, not an input written as a nested list."""
    return isinstance(inputs, list | tuple) and len(inputs) == 1 and np.ndim(inputs[0]) == dimensions


def _fitted(name: str, spec: TensorSpec, array: Array) -> tuple[TensorSpec, Array]:
    shape = array.shape[1:]
    if len(shape) != len(spec.shape) or any(
        asked is not None and asked != given for asked, given in zip(spec.shape, shape, strict=False)
    ):
        raise InputError(
            f"`{name}` expects input `{spec.name}` of shape {_shape(('batch', *spec.shape))}, got {_shape(array.shape)}"
        )
    if spec.dtype == "str":
        if array.dtype.kind not in "US":
            raise InputError(f"`{name}` expects strings as input `{spec.name}`, got {array.dtype}")
        return replace(spec, shape=shape), array.astype(str)
    wanted = _numpy_dtype(spec.dtype)
    ok = array.dtype == wanted or array.dtype.kind in (
        "biuf" if wanted.kind == "f" or spec.dtype == "bfloat16" else "biu"
    )
    if not ok:
        raise InputError(f"`{name}` expects input `{spec.name}` of dtype {spec.dtype}, got {array.dtype}")
    if spec.high is not None and array.size and (array.max() >= spec.high or array.min() < 0):
        raise InputError(
            f"input `{spec.name}` of `{name}` indexes an embedding of {spec.high} rows, "
            f"its values go from {array.min()} to {array.max()}"
        )
    if wanted.kind in "iu" and array.size and not np.array_equal(array.astype(wanted), array):
        raise InputError(
            f"`{name}` expects input `{spec.name}` of dtype {spec.dtype}, which cannot hold its values: "
            f"they go from {array.min()} to {array.max()}"
        )
    return replace(spec, shape=shape), array.astype(wanted)


def made_up(signature: Signature, samples: int, seed: int, *, positive: bool = False) -> list[Array]:
    """Make random inputs: never zero or constant (that flatters), integers within their bounds, some with padding.

    Args:
        signature: with every dimension known.
        samples: size of the batch dimension.
        seed: the same seed gives the same inputs.
        positive: draw floats from [0, 1) in place of the standard normal (for models that cannot take negative ones).
    """
    draw = np.random.default_rng(seed)
    arrays = [_random(draw, spec, (samples, *_known(spec.shape)), positive=positive) for spec in signature.inputs]
    for spec, array in zip(signature.inputs, arrays, strict=True):
        if spec.padding is not None and array.ndim > 1:
            # With every other seed the first one, too, where it is the only one.
            _pad(draw, array[(seed + 1) % 2 :: 2], spec.padding)
    return arrays


def _pad(draw: np.random.Generator, samples: Array, padding: float) -> None:
    """Let samples end in padding: a file that ignores masks is right about whatever has none."""
    steps = samples.shape[1]
    for sample in samples if steps > 1 else ():
        sample[draw.integers((steps + 1) // 2, steps) :] = padding


def _random(draw: np.random.Generator, spec: TensorSpec, shape: tuple[int, ...], *, positive: bool) -> Array:
    if spec.values and not spec.is_text:
        chosen = draw.choice(np.array(spec.values), size=shape)
        return chosen if spec.dtype == "str" else chosen.astype(spec.dtype)
    if spec.dtype == "str":
        words = draw.choice(np.array(spec.values or _WORDS), size=(*shape, _WORDS_IN_A_TEXT))
        return np.apply_along_axis(" ".join, -1, words) if words.size else words[..., 0]
    dtype = _numpy_dtype(spec.dtype)
    if spec.dtype == "bool":
        return draw.integers(0, 2, shape).astype(bool)
    if spec.high is not None or dtype.kind in "iu":
        high = spec.high or (256 if spec.dtype == "uint8" else _DEFAULT_HIGH)
        low = 1 if spec.padding == 0 and high > 1 else 0  # a sample that is nothing but padding has no right answer
        return draw.integers(low, high, shape).astype(dtype)
    if spec.expected is not None:
        return draw.uniform(*spec.expected, shape).astype(dtype)
    # In float32 from the start: inputs can be large.
    values = draw.random(shape, dtype=np.float32) if positive else draw.standard_normal(shape, dtype=np.float32)
    return values.astype(dtype, copy=False)


def batches_of(arrays: list[Array], batch_size: int, most: int) -> list[list[Array]]:
    """Cut samples into at most ``most`` batches; too few samples for one batch are repeated."""
    samples = len(arrays[0])
    count = max(1, min(most, samples // batch_size))
    indices = [np.arange(number * batch_size, (number + 1) * batch_size) % samples for number in range(count)]
    return [[np.ascontiguousarray(array[index]) for array in arrays] for index in indices]


def _numpy_dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        import ml_dtypes

        name = ml_dtypes.bfloat16
    dtype: np.dtype[Any] = np.dtype(name)
    return dtype


def _known(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    return tuple(int(size) for size in shape if size is not None)


def _names(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(spec.name for spec in specs)


def _shape(shape: Sequence[Any]) -> str:
    return "(" + ", ".join("?" if size is None else str(size) for size in shape) + ")"
