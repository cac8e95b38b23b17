"""What a caller gives, nested as Keras takes it, as the flat list of arrays that a session takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import InputError
from inferspeed_magic.optimized.tensors import library_of, to_numpy

if TYPE_CHECKING:
    from inferspeed_magic.optimized.package import Package
    from inferspeed_magic.records.signature import TensorSpec
    from inferspeed_magic.sources.structure import Template

    Array = np.ndarray[Any, Any]


class Inputs:
    """The inputs of one model.

    Args:
        package: says their names, shapes, dtypes and nesting.
    """

    def __init__(self, package: Package) -> None:
        self._name = package.name
        self._template = package.input_template
        self._wanted = [_Wanted(package.name, spec) for spec in package.inputs]

    def flat(self, given: Any) -> tuple[list[Array], Any]:
        """Flatten, check and cast.

        Args:
            given: arrays, nested lists of numbers or tensors, in a list, tuple or dict where the model takes that.

        Returns:
            Arrays in the order of the signature, of one number of samples; and the first tensor of another library,
            None where all was NumPy.

        Raises:
            InputError: one line that says what is expected.
        """
        leaves = [given] if len(self._wanted) == 1 and type(given) is np.ndarray else self._leaves(given)
        arrays, tensor = [], None
        for wanted, leaf in zip(self._wanted, leaves, strict=True):
            if tensor is None and type(leaf) is not np.ndarray and library_of(leaf) is not None:
                tensor = leaf
            arrays.append(leaf if wanted.is_met_by(leaf) else wanted.made_of(leaf))
        counts = {len(array) for array in arrays}
        if len(counts) > 1:
            raise InputError(f"the inputs of `{self._name}` differ in the number of samples: {sorted(counts)}")
        if counts == {0}:
            raise InputError(f"the inputs of `{self._name}` hold no sample")
        return arrays, tensor

    def _leaves(self, given: Any) -> list[Any]:
        if len(self._wanted) == 1:
            return [self._only(given)]
        names = [wanted.spec.name for wanted in self._wanted]
        if isinstance(given, Mapping) and not (isinstance(self._template, dict) and "dict" in self._template):
            # As Keras does: by the names of the inputs, in whatever order, and more than is needed.
            if all(name in given for name in names):
                return [given[name] for name in names]
            raise self._not(given)
        found: list[Any] = [None] * len(names)
        self._walk(self._template, given, found, given)
        return found

    def _walk(self, template: Template, part: Any, found: list[Any], given: Any) -> None:
        if isinstance(template, int):
            found[template] = part
        elif "dict" in template:
            values = {str(key): value for key, value in part.items()} if isinstance(part, Mapping) else {}
            if not set(template["dict"]) <= set(values):
                raise self._not(given)
            for key, inner in template["dict"].items():
                self._walk(inner, values[key], found, given)
        else:
            inside = template["tuple"] if "tuple" in template else template["list"]
            if not isinstance(part, list | tuple) or len(part) != len(inside):
                raise self._not(given)
            for inner, value in zip(inside, part, strict=True):
                self._walk(inner, value, found, given)

    def _only(self, given: Any) -> Any:
        """Find the one input: as it is, in a list or tuple of one, or in a dict under its name."""
        wanted = self._wanted[0]
        if isinstance(given, Mapping):
            keys = [*_keys(self._template), wanted.spec.name]
            named = [value for key, value in given.items() if str(key) in keys]
            if len(named) != 1:
                raise self._not(given)
            return named[0]
        if isinstance(given, list | tuple) and len(given) == 1 and _dimensions(given[0]) == wanted.dimensions:
            return given[0]
        return given

    def _not(self, given: Any) -> InputError:
        return InputError(f"`{self._name}` takes {self._words(self._template)}, got {_shown(given)}")

    def _words(self, template: Template) -> str:
        if isinstance(template, int):
            return str(self._wanted[template])
        if "dict" in template:
            return "{" + ", ".join(f"'{key}': {self._words(each)}" for key, each in template["dict"].items()) + "}"
        if "tuple" in template:
            return "(" + ", ".join(map(self._words, template["tuple"])) + ")"
        return "[" + ", ".join(map(self._words, template["list"])) + "]"


class _Wanted:
    """One input, prepared for a check that costs next to nothing where all is as it should be."""

    def __init__(self, model: str, spec: TensorSpec) -> None:
        self.spec = spec
        self.dimensions = len(spec.shape) + 1
        self._model = model
        self._dtype = None if spec.dtype == "str" else _numpy_dtype(spec.dtype)
        self._shape = None if None in spec.shape else spec.shape

    def __str__(self) -> str:
        return f"{self.spec.name} {_shape(('batch', *self.spec.shape))} {self.spec.dtype}"

    def is_met_by(self, leaf: Any) -> bool:
        """Whether a session can take this as it is."""
        return bool(
            type(leaf) is np.ndarray
            and self._dtype is not None  # to NumPy float64 equals None
            and leaf.dtype == self._dtype
            and leaf.ndim == self.dimensions
            and leaf.shape[1:] == self._shape
            and (flags := leaf.flags).c_contiguous
            and flags.aligned
        )

    def made_of(self, leaf: Any) -> Array:
        """Make what a session can take.

        Raises:
            InputError: if that is not possible without loss.
        """
        array = self._cast(self._in_shape(self._as_array(leaf)))
        return np.require(array, requirements=("C", "A"))

    def _as_array(self, leaf: Any) -> Array:
        try:
            array = np.asarray(leaf) if library_of(leaf) is None else to_numpy(leaf)
        except Exception as error:
            raise self._wrong(f"a {type(leaf).__name__} that cannot be made an array of numbers") from error
        if array.dtype == object and not all(isinstance(each, str | bytes) for each in array.flat):
            raise self._wrong(f"a {type(leaf).__name__} that is no array of numbers")
        return array

    def _in_shape(self, array: Array) -> Array:
        shape = self.spec.shape
        # Keras adds a last dimension of one where it is left out, and drops it where there is one too many.
        if array.ndim == self.dimensions - 1 and array.ndim and shape[-1] == 1:
            array = array[..., None]
        elif array.ndim == self.dimensions + 1 and array.shape[-1] == 1:
            array = array[..., 0]
        if array.ndim == self.dimensions and _fits(shape, array.shape[1:]):
            return array
        one = array.ndim == len(shape) and _fits(shape, array.shape)
        raise self._wrong(f"shape {_shape(array.shape)}" + (" (one sample? add the batch: x[None])" if one else ""))

    def _cast(self, array: Array) -> Array:
        wanted, kind = self._dtype, array.dtype.kind
        if wanted is None:
            if kind not in "USO":
                raise self._wrong(f"dtype {array.dtype}")
            return _as_text(array)
        if array.dtype == wanted:
            return array
        number = kind in "biuf" or array.dtype.name == "bfloat16"
        if wanted.kind in "biu":
            with np.errstate(invalid="ignore"):
                cast = array.astype(wanted) if number else array
            if number and np.array_equal(cast, array):
                return cast
            if number and array.size:
                what = f"values from {array.min()} to {array.max()} of dtype {array.dtype}"
                raise self._wrong(f"{what}, which it cannot hold")
        elif number or kind == wanted.kind == "c":
            with np.errstate(over="ignore"):  # becomes infinite, as it does in Keras
                return array.astype(wanted)
        raise self._wrong(f"dtype {array.dtype}")

    def _wrong(self, what: str) -> InputError:
        spec = self.spec
        return InputError(
            f"`{self._model}` expects input `{spec.name}` of shape {_shape(('batch', *spec.shape))} and dtype "
            f"{spec.dtype}, got {what}"
        )


def _keys(template: Template) -> list[str]:
    return list(template["dict"]) if isinstance(template, dict) and "dict" in template else []


def _dimensions(value: Any) -> int | None:
    found = getattr(value, "ndim", None)
    if isinstance(found, int):
        return found
    try:
        return np.ndim(value)
    except ValueError:  # rows of different length
        return None


def _fits(wanted: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    return all(size is None or size == given for size, given in zip(wanted, shape, strict=True))


def _as_text(array: Array) -> Array:
    words = [each.decode() if isinstance(each, bytes) else str(each) for each in array.flat]
    return np.array(words, dtype=str).reshape(array.shape)


def _numpy_dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16" or name.startswith("float8"):
        import ml_dtypes

        name = getattr(ml_dtypes, name)
    dtype: np.dtype[Any] = np.dtype(name)
    return dtype


def _shape(shape: tuple[Any, ...]) -> str:
    return "(" + ", ".join("?" if size is None else str(size) for size in shape) + ")"


def _shown(given: Any) -> str:
    if isinstance(given, Mapping):
        return "a dict of " + (", ".join(repr(str(key)) for key in given) or "nothing")
    if isinstance(given, list | tuple):
        return f"a {type(given).__name__} of {len(given)}"
    shape = getattr(given, "shape", None)
    return f"one {type(given).__name__}" + ("" if shape is None else f" of shape {_shape(tuple(shape))}")
