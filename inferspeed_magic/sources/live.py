"""A live Keras model, looked at from the kernel: what goes in, what comes out, and how it travels to a worker."""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import ModelError
from inferspeed_magic.records.signature import Signature, TensorSpec
from inferspeed_magic.sources.input_values import (
    expected_ranges,
    index_bounds,
    known_values,
    padding_of,
    paddings,
    smallest_embedding,
)
from inferspeed_magic.sources.portable import MANIFEST, PICKLED, PortableModel
from inferspeed_magic.sources.structure import Template, flatten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


#: The model itself, in the folder that other processes read.
MODEL_FILE = "model.keras"


def backend_of(library: str) -> str:
    """Name the backend that live models of this library run on."""
    if library == "tf_keras":
        return "tensorflow"
    import keras

    name: str = keras.backend.backend()
    return name


def describe(name: str, model: Any) -> tuple[Signature, Template] | None:
    """Read the inputs of a model: specs in flat order, and their nesting.

    Returns:
        None for a model that was never built: its inputs have to be given.

    Raises:
        ModelError: for models that take what ``predict`` could not pass either.
    """
    symbolic = getattr(model, "inputs", None)
    if symbolic:
        nested = getattr(model, "_inputs_struct", None)
        if nested is None:  # tf_keras
            nested = getattr(model, "_nested_inputs", None)
        leaves, template = flatten(nested if nested is not None else list(symbolic))
        if len(leaves) == 1 and not isinstance(template, int) and nested is None:
            template = 0
        return _signature(model, leaves), template
    return _describe_built(name, model)


def describe_from(model: Any, leaves: list[Any], names: list[str]) -> Signature:
    """Read the signature off the inputs that the user gave, for a model that does not know its own."""
    high = smallest_embedding(model)
    return Signature(
        tuple(
            TensorSpec(name, tuple(int(size) for size in leaf.shape[1:]), _dtype(str(leaf.dtype)), _bound(leaf, high))
            for name, leaf in zip(names, leaves, strict=True)
        )
    )


def _bound(leaf: Any, high: int | None) -> int | None:
    return high if str(leaf.dtype).startswith(("int", "uint")) else None


def _signature(model: Any, leaves: list[Any]) -> Signature:
    batches = {leaf.shape[0] for leaf in leaves} - {None}
    found = zip(
        leaves,
        index_bounds(model, leaves),
        known_values(model, leaves),
        expected_ranges(model, leaves),
        paddings(model, leaves),
        strict=True,
    )
    return Signature(
        tuple(
            TensorSpec(
                str(leaf.name).partition(":")[0],
                tuple(None if size is None else int(size) for size in leaf.shape[1:]),
                _dtype(str(getattr(leaf.dtype, "name", leaf.dtype))),
                None if values else bound,  # the bound of what a lookup makes of them is not theirs
                values,
                is_text,
                expected,
                padding,
            )
            for leaf, bound, (values, is_text), expected, padding in found
        ),
        fixed_batch=int(batches.pop()) if batches else None,
    )


def _dtype(name: str) -> str:
    return "str" if name in {"string", "object"} or name.startswith(("<U", "|S", "str")) else name


def _describe_built(name: str, model: Any) -> tuple[Signature, Template] | None:
    """Describe a subclassed model by the shapes that it saw when it was built."""
    shapes = getattr(model, "_build_shapes_dict", None)
    if not shapes and getattr(model, "_build_input_shape", None) is not None:  # tf_keras
        shapes = {"input_shape": model._build_input_shape}  # noqa: SLF001  (Keras keeps it nowhere public)
    arguments = max(_arguments(model), list(shapes or {}), key=len)
    if len(arguments) > 1:
        raise ModelError(
            f"`{name}` takes several arguments ({', '.join(arguments)}); give it one list or dict of inputs instead, "
            "as `predict` needs it too"
        )
    if not shapes:
        return None
    leaves, template = flatten(_shapes_to_leaves(next(iter(shapes.values()))))
    high = smallest_embedding(model)
    names = _leaf_names(template, len(leaves))
    specs = []
    for leaf_name, shape in zip(names, leaves, strict=True):
        # A subclassed model does not say its dtypes. What an embedding reads is a vector of integers.
        integer = high is not None and len(shape.sizes) <= 2  # noqa: PLR2004  (batch and positions)
        dtype, bound = ("int32", high) if integer else ("float32", None)
        if len(leaves) == 1 and _reads_text(model):
            dtype, bound = "str", None
        specs.append(TensorSpec(leaf_name, shape.sizes[1:], dtype, bound, padding=padding_of(model)))
    return Signature(tuple(specs)), template


def _arguments(model: Any) -> list[str]:
    """Name what ``call`` cannot do without."""
    _, *parameters = inspect.signature(type(model).call).parameters.values()
    return [
        each.name
        for each in parameters
        if each.default is each.empty
        and each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}
        and each.name not in {"training", "mask"}
    ]


def _reads_text(model: Any) -> bool:
    layers = model._flatten_layers()  # noqa: SLF001  (also lists layers inside layers)
    return any(
        type(layer).__name__ in {"TextVectorization", "StringLookup"} and not getattr(layer, "invert", False)
        for layer in layers
    )


class _Shape:
    """A shape as one leaf, since shapes are tuples and so look like nesting."""

    def __init__(self, sizes: tuple[int | None, ...]) -> None:
        self.sizes = sizes


def _shapes_to_leaves(shapes: Any) -> Any:
    if isinstance(shapes, dict):
        return {key: _shapes_to_leaves(each) for key, each in shapes.items()}
    sizes = list(shapes)
    if all(size is None or isinstance(size, int) for size in sizes):
        return _Shape(tuple(sizes))
    return [_shapes_to_leaves(each) for each in sizes]


def _leaf_names(template: Template, count: int) -> list[str]:
    if isinstance(template, dict) and "dict" in template:
        keys = list(template["dict"])
        if len(keys) == count:
            return keys
    return [f"input_{position}" for position in range(count)]


def states(model: Any) -> list[Any]:
    """List the variables in which stateful layers keep where their last call ended."""
    every: list[Any] = getattr(model, "_flatten_layers", list)()  # also lists layers inside layers
    layers = [layer for layer in every if getattr(layer, "stateful", False)]
    found, _ = flatten([getattr(layer, "states", None) for layer in layers])
    return [each for each in found if hasattr(each, "assign")]


@contextlib.contextmanager
def begun_anew(model: Any) -> Iterator[None]:
    """Have a model that remembers its last call forget it, and leave it as it was."""
    memory = [(each, np.asarray(each).copy()) for each in states(model)]
    for variable, values in memory:
        variable.assign(np.zeros_like(values))
    try:
        yield
    finally:
        for variable, values in memory:
            variable.assign(values)


def portable(model: Any, library: str, signature: Signature, template: Template) -> PortableModel:
    """Wrap a live model, for running it in this process."""
    return PortableModel(model, library, backend_of(library), manifest(library, signature, template))


def manifest(library: str, signature: Signature, template: Template) -> dict[str, Any]:
    """Everything about a model that its file does not say."""
    facts: dict[str, Any] = {
        "library": library,
        "file": MODEL_FILE,
        "structure": template,
        "inputs": [{"name": spec.name, "shape": list(spec.shape), "dtype": spec.dtype} for spec in signature.inputs],
    }
    if library == "keras":
        import keras

        facts["floatx"] = keras.config.floatx()
        facts["image_data_format"] = keras.config.image_data_format()
    return facts


def write(folder: Path, model: Any, library: str, facts: dict[str, Any]) -> None:
    """Write the folder that ``sources.portable.read`` reads in another process.

    Raises:
        Exception: whatever Keras or pickle raise for a model that cannot be rebuilt from its configuration.
    """
    import cloudpickle

    folder.mkdir(exist_ok=True)
    was_compiled = getattr(model, "compiled", False)
    try:
        if library == "keras":
            # Losses and metrics of the user's own need not be saved to run the model.
            model.compiled = False
        model.save(str(folder / facts["file"]))
    finally:
        if library == "keras":
            model.compiled = was_compiled
    custom = custom_objects(model, library)
    if custom:
        (folder / PICKLED).write_bytes(cloudpickle.dumps(custom))
    (folder / MANIFEST).write_text(json.dumps(facts))


def custom_objects(model: Any, library: str) -> dict[str, Any]:
    """Collect classes and functions that Keras would not find in another process."""
    keras = sys.modules[library]
    layers = list(model._flatten_layers(include_self=True))  # noqa: SLF001  (also lists layers inside layers)
    found = dict(keras.saving.get_custom_objects())
    if all(_is_library_code(type(layer).__module__) for layer in layers):
        # Code of the user's own may look up anything that was registered; a graph of Keras's layers, what it names.
        found = _named_in(model, found)
    for layer in layers:
        kind = type(layer)
        if not _is_library_code(kind.__module__):
            found[kind.__name__] = kind
            found[keras.saving.get_registered_name(kind)] = kind
        for attribute, value in vars(layer).items():
            # Keras wraps these two on the instance; they come with the class.
            if attribute in {"build", "call"}:
                continue
            if callable(value) and hasattr(value, "__name__") and not isinstance(value, type):
                module = getattr(value, "__module__", None) or ""
                if module and not _is_library_code(module) and value.__name__.isidentifier():
                    found.setdefault(value.__name__, value)
    return found


def _named_in(model: Any, registered: dict[str, Any]) -> dict[str, Any]:
    """Leave out what other models registered: it would have to be unpickled with this one."""
    if not registered:
        return {}
    try:
        written = json.dumps(model.get_config(), default=str, ensure_ascii=False)
    except Exception:  # noqa: BLE001  (whatever the layers raise: then nothing is known about what they name)
        return registered
    return {
        name: thing
        for name, thing in registered.items()
        if any(f'"{each}"' in written for each in (name, name.rpartition(">")[2], getattr(thing, "__name__", name)))
    }


def _is_library_code(module: str) -> bool:
    return module.partition(".")[0] in {"keras", "tf_keras", "tensorflow", "builtins", "functools"}
