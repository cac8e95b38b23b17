"""What every script defines for itself, with values of its own; here only for the others to refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Name, shape without the batch and dtype of each input.
INPUTS: list[dict[str, Any]] = []
#: What the inputs are called in the files on the way; converters that sort by name keep their order.
NAMES: list[str] = []
#: Of the artifact.
BATCH_SIZE = 1
THREADS = 1
#: Library of the model: ``keras``, ``tf_keras`` or ``saved_model``.
LIBRARY = ""


def load(path: Path) -> Any:
    """Read the model."""
    raise NotImplementedError


def nested(arrays: Sequence[Any]) -> Any:
    """Arrange arrays as the model takes them."""
    raise NotImplementedError


def infer(model: Any, arrays: Sequence[Any]) -> list[Any]:
    """Run the model in inference mode."""
    raise NotImplementedError


def tune(options: Any) -> None:
    """Set what was chosen for the runtime."""
    raise NotImplementedError


def extra_operators() -> dict[str, Any]:
    """Tell tf2onnx about operators that it does not know."""
    raise NotImplementedError
