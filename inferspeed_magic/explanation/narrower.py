"""The same architecture, so much narrower that its weights fit a cache: whether it was waiting for memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.counting.count import count_model
from inferspeed_magic.errors import OptionError, UnsupportedError
from inferspeed_magic.pruning import prune
from inferspeed_magic.pruning.tracing import Trace, is_graph
from inferspeed_magic.pruning.units import FIXED
from inferspeed_magic.pruning.widths import nearest_multiple
from inferspeed_magic.sources.portable import PortableModel
from inferspeed_magic.techniques.keras_folder import opened, save

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.pruning.units import Channels

    Array = np.ndarray[Any, Any]

#: Shares of the units that can be removed, in percent.
_PERCENTS = range(5, 91, 5)
#: What pruning leaves of a layer at least.
_LEAST_LEFT = 0.1
#: Of each cache, for weights: activations have to lie in it, too.
ROOM = 0.75
#: Kernels like widths that are multiples of this; where that leaves too much, any width.
_MULTIPLES = (8, 1)
#: Builds for one cache: a prediction may be a little too low.
_MOST_TRIES = 3
_KEPT = "narrower_models"


def fit(state: dict[str, Any], *, source: str, batch_size: int, caches: dict[str, float]) -> dict[str, Any]:
    """Find out how narrow a model has to be so that its weights fit a cache; in a worker.

    Every layer loses about the same share of its channels, heads or neurons, those with the least L1 norms.

    Args:
        state: of the process; keeps the narrower model for ``narrow``.
        source: folder of a portable model.
        batch_size: samples per inference.
        caches: bytes by level, those that are wanted most first.

    Returns:
        ``level``; ``weight_bytes``, ``params`` and ``flops`` of the narrower model; ``sparsity_percent`` and
        ``multiple_of`` to make it again.

    Raises:
        UnsupportedError: where at most 90% of what can be removed is not enough, or nothing can be.
    """
    found = opened(source)
    if found.library != "keras":
        raise UnsupportedError("channels are removed from models of Keras 3, and this is one of tf_keras")
    for level, size_bytes in caches.items():
        for percent, multiple in _tries(found.model, ROOM * size_bytes):
            try:
                model = _pruned(found.model, percent, multiple)
            except OptionError:  # in multiples, nothing goes at that share
                continue
            count = count_model(PortableModel(model, "keras", found.backend, found.manifest), batch_size)
            if count.weight_bytes <= ROOM * size_bytes:
                state.setdefault(_KEPT, {})[source, percent, multiple] = model
                return {
                    "level": level,
                    "weight_bytes": count.weight_bytes,
                    "params": count.params,
                    "flops": count.flops,
                    "sparsity_percent": percent,
                    "multiple_of": multiple,
                }
    raise UnsupportedError(
        f"with {_PERCENTS[-1]}% of the channels removed that can be, its weights still do not fit {' or '.join(caches)}"
    )


def narrow(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    sparsity_percent: int,
    multiple_of: int,
) -> None:
    """Write the narrower model that ``fit`` found, as a step of a conversion.

    Args:
        state: of the converter process; has the model where ``fit`` ran in it.
        source: folder of a portable model.
        target: folder to write.
        batch_size: not used.
        inputs: not used.
        sparsity_percent: share of the channels that can be removed, that is removed of every layer.
        multiple_of: widths that are left are multiples of this.

    Raises:
        UnsupportedError: for models of tf_keras, for those that are no graph of layers, and where nothing can go.
    """
    del batch_size, inputs
    found = opened(source)
    if found.library != "keras":
        raise UnsupportedError("channels are removed from models of Keras 3, and this is one of tf_keras")
    kept = state.get(_KEPT, {}).pop((source, sparsity_percent, multiple_of), None)
    model = _pruned(found.model, sparsity_percent, multiple_of) if kept is None else kept
    save(model, found, source, target)


def _pruned(model: Any, percent: int, multiple_of: int) -> Any:
    return prune(model, percent / 100, importance="l1", scope="layer", multiple_of=multiple_of)


def _tries(model: Any, room_bytes: float) -> Iterator[tuple[int, int]]:
    """Give shares and multiples to try: for each multiple the least share that should do, and a little more."""
    import keras

    if not is_graph(model, keras):
        raise UnsupportedError("of a subclassed model only its own code knows how layers are connected")
    trace = Trace(model, keras)
    for multiple in _MULTIPLES:
        enough = [percent for percent in _PERCENTS if predicted_bytes(model, trace, percent, multiple) <= room_bytes]
        yield from ((percent, multiple) for percent in enough[:_MOST_TRIES])


def predicted_bytes(model: Any, trace: Trace, percent: int, multiple_of: int) -> float:
    """Estimate the bytes of the weights that are left, without building anything.

    Tables of lookups do not count: an inference reads a few of their rows.

    Args:
        model: of Keras 3, built.
        trace: of it.
        percent: of the units that can be removed, that is removed of every layer.
        multiple_of: widths that are left are multiples of this.
    """
    along: dict[int, list[Channels]] = {}
    for passage in trace.passages.values():
        for each in passage.slices:
            along.setdefault(id(each.weight), []).append(each.channels)
    total = 0.0
    for weight in model.weights:
        if weight.path.endswith("embeddings"):
            continue
        left = float(np.asarray(weight.numpy()).nbytes)
        for channels in along.get(id(weight), []):
            left *= _share_left(trace, channels, percent, multiple_of)
        total += left
    return total


def _share_left(trace: Trace, channels: Channels, percent: int, multiple_of: int) -> float:
    """Estimate how much of an axis is left."""
    roots = trace.units.roots(channels)
    units = np.unique(roots[roots != FIXED])
    if not len(units):
        return 1.0
    free = sum(trace.units.reason(int(unit)) is None for unit in units)
    least = max(int(np.ceil(_LEAST_LEFT * len(units))), 1)
    left = max(len(units) - round(percent / 100 * free), least)
    nearest = nearest_multiple(left, len(units), multiple_of) if left < len(units) else left
    left = nearest if nearest >= least else min(len(units), -(-left // multiple_of) * multiple_of)
    share_that_varies = float(np.mean(roots != FIXED))
    return 1.0 - share_that_varies * (1.0 - left / len(units))
