"""Read a portable model in a worker and run it, to see what it answers and whether it computes with subnormals."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.sources.array_files import read as read_array
from inferspeed_magic.sources.subnormals import SubnormalCount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.sources.portable import PortableModel


def outputs_of_rebuilt(state: dict[str, Any], *, source: str, inputs: list[str], outputs: str) -> dict[str, Any]:
    """Run the model once, eagerly.

    Args:
        state: of the process; keeps the model for the converters.
        source: folder of the portable model.
        inputs: ``.npy`` files in the order of the signature.
        outputs: prefix of the files to write, ``{outputs}_{position}.npy``.

    Returns:
        ``outputs``: their number; ``weights`` and ``activations``: the share of these that is subnormal.
    """
    from inferspeed_magic.sources.portable import read

    model = state.setdefault("models", {})[source] = read(source)
    arrays = [read_array(path) for path in inputs]
    activations = SubnormalCount()
    with _seen_by(activations, model):
        results = model.to_numpy(model.call(model.pack(arrays)))
    for position, array in enumerate(results):
        np.save(f"{outputs}_{position}.npy", array, allow_pickle=False)
    return {"outputs": len(results), "weights": weights_share(model.model), "activations": activations.share}


def ready(state: dict[str, Any]) -> None:
    """Import what takes longest."""
    del state
    import keras  # noqa: F401


def weights_share(model: Any) -> float:
    """Return the share of a Keras model's weights that is subnormal."""
    count = SubnormalCount()
    for variable in model.weights:
        with contextlib.suppress(Exception):  # seeds and the like do not convert
            count.add(variable.numpy())
    return count.share


@contextlib.contextmanager
def _seen_by(count: SubnormalCount, model: PortableModel) -> Iterator[None]:
    """Have every layer of this process show its outputs. For a worker: it changes the library for a moment."""
    layer_class: Any = sys.modules[model.library].layers.Layer
    original = layer_class.__call__

    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        outputs = original(self, *arguments, **options)
        with contextlib.suppress(Exception):  # symbolic or exotic outputs hold no numbers
            for value in model.to_numpy(outputs):
                count.add(value)
        return outputs

    layer_class.__call__ = call
    try:
        yield
    finally:
        layer_class.__call__ = original
