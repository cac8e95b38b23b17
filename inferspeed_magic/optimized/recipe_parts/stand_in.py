"""The model as functions that are copied from the package expect it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.optimized.recipe_parts.script import INPUTS, LIBRARY, infer, load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class PortableModel:
    """A model, how it is called, and what its inputs are."""

    library = LIBRARY

    def __init__(self, model: Any) -> None:
        self.model = model

    def pack(self, flat: Sequence[Any]) -> Any:
        """Leave inputs as they are: the model is called with a flat list."""
        return flat

    def call(self, inputs: Any) -> list[Any]:
        """Run the model in inference mode."""
        return infer(self.model, inputs)

    def flatten(self, outputs: list[Any]) -> list[Any]:
        """Leave outputs as they are."""
        return outputs

    def specs(self, batch_size: int | None, rename: Callable[[int, str], str]) -> list[Any]:
        """Describe the inputs to TensorFlow; None as the batch size is any."""
        import tensorflow as tf

        return [
            tf.TensorSpec(
                (batch_size, *each["shape"]),
                "string" if each["dtype"] == "str" else each["dtype"],
                name=rename(position, each["name"]),
            )
            for position, each in enumerate(INPUTS)
        ]


def save(model: Any, was: PortableModel, source: str, target: str) -> None:
    """Write a model that was changed."""
    del was, source
    model.save(target)


def read(path: str) -> PortableModel:
    """Read a model for these functions: a file, or a folder with one."""
    place = Path(path)
    return PortableModel(load(place / "model.keras" if place.is_dir() else place))
