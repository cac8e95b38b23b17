"""Count what a model has to do for one inference."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.counting.calls import Calls
from inferspeed_magic.counting.extent import activation_bytes, depth
from inferspeed_magic.counting.inlining import flatten
from inferspeed_magic.counting.known import known_nodes
from inferspeed_magic.counting.layers import count_layers
from inferspeed_magic.counting.rows import Rows
from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.records.counts import ModelCount

if TYPE_CHECKING:
    from inferspeed_magic.sources.portable import PortableModel


def count(state: dict[str, Any], *, source: str, batch_size: int) -> dict[str, Any]:
    """Count a portable model in a worker, without running it.

    Args:
        state: of the process; keeps the model that was read.
        source: folder of the portable model, or ``live:NAME``.
        batch_size: samples per inference.

    Returns:
        Fields of a ``ModelCount``, all but the model's name.

    Raises:
        UnsupportedError: for what is no Keras model on TensorFlow's backend.
    """
    found = asdict(count_model(_read(state, source), batch_size))
    del found["model"]
    return found


def count_model(model: PortableModel, batch_size: int, name: str = "") -> ModelCount:
    """Count a model that was read."""
    calls, traced = _trace(model, batch_size)
    rows = Rows(model.model, calls.made)
    graph = flatten(traced, calls.of, rows.time_steps)
    known = known_nodes(graph.nodes)
    layers, uncounted = count_layers(graph, known, rows)
    return ModelCount(
        name,
        batch_size,
        layers,
        depth=depth(graph, known),
        activation_bytes=activation_bytes(graph, known),
        uncounted=tuple(sorted(uncounted | graph.uncounted)),
    )


def _read(state: dict[str, Any], source: str) -> PortableModel:
    from inferspeed_magic.sources.portable import read

    if not source.startswith("live:") and not Path(source).is_dir():
        raise UnsupportedError(
            f"{Path(source).name} is a file without Keras layers, and only these are counted; give the Keras model "
            "that it was made from"
        )
    models = state.setdefault("models", {})
    if source not in models:
        models[source] = read(source)
    model: PortableModel = models[source]
    if model.library == "saved_model":
        raise UnsupportedError("a SavedModel has no Keras layers to count; give the Keras model that it was made from")
    if model.backend != "tensorflow":
        raise UnsupportedError(
            f"layers are counted in TensorFlow's graph, and no other process can rebuild this model of {model.backend}"
        )
    return model


def _trace(model: PortableModel, batch_size: int) -> tuple[Calls, Any]:
    """Trace a model as it is, with nothing replaced."""
    function = model.function(batch_size)
    with Calls().recorded(model.library) as calls:
        return calls, function.get_concrete_function()
