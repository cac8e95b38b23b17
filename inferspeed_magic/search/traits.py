"""What of a model and a machine says beforehand which techniques can pay."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inferspeed_magic.records import Machine
    from inferspeed_magic.sources.source import Source


@dataclass(frozen=True)
class Traits:
    """What is known; None for what is not (files of other formats, layers of unknown kinds).

    Attributes:
        convolution_share: of the multiply-accumulates, those in convolutions, 0 to 1.
        attention: whether there are layers that multiply activations with each other; None where layers are not known.
        weights_mb: of all weights as they are, in MB (10^6 bytes).
        cache_mb: of the largest cache of the machine.
    """

    convolution_share: float | None
    attention: bool | None
    weights_mb: float | None
    cache_mb: float | None

    @property
    def weights_fit_the_cache(self) -> bool:
        """Whether weights need not be read from memory for every inference."""
        return self.weights_mb is not None and self.cache_mb is not None and self.weights_mb < self.cache_mb


def traits(source: Source, machine: Machine) -> Traits:
    """Look at a model and a machine."""
    layers = list(_layers(source.model)) if source.model is not None else []
    kinds = {type(layer).__name__ for layer in layers}
    cache_kb = max(machine.cache_kb.values(), default=None)
    return Traits(
        convolution_share=_convolution_share(layers),
        attention=any("Attention" in kind for kind in kinds) if layers and _all_of_keras(layers) else None,
        weights_mb=_weights_mb(source.model),
        cache_mb=None if cache_kb is None else cache_kb / 1e3,
    )


def _all_of_keras(layers: list[Any]) -> bool:
    """Whether all layers are Keras's own, so that their names say what they do."""
    known = all(type(layer).__module__.partition(".")[0] in ("keras", "tf_keras") for layer in layers)
    return known and not any(type(layer).__name__ in ("Matmul", "Einsum", "Dot", "Lambda") for layer in layers)


def _layers(model: Any) -> list[Any]:
    """List the layers that compute, through models inside models."""
    found: list[Any] = []
    for layer in getattr(model, "layers", None) or []:
        inner = _layers(layer)
        found += inner or [layer]
    return found


def _convolution_share(layers: list[Any]) -> float | None:
    """Count multiply-accumulates with weights; None where nothing can be counted."""
    total = convolutions = 0.0
    for layer in layers:
        kind = type(getattr(layer, "layer", layer)).__name__  # of what TimeDistributed repeats
        if not _all_of_keras([layer]) and _holds_convolutions(layer):
            return None
        if "Embedding" in kind or kind == "PReLU":  # which look up, and multiply each number once
            continue
        with contextlib.suppress(Exception):  # layers whose output is not known
            shapes = [tuple(each.shape) for each in layer.weights if "bias" not in each.name]
            kernels = sum(math.prod(shape) for shape in shapes if len(shape) > 1)
            work = kernels * _positions(layer)
            total += work
            convolutions += work if "Conv" in kind else 0.0
    return convolutions / total if total else None


def _holds_convolutions(layer: Any) -> bool:
    """Whether a layer of the user's has convolutions inside, of which only it knows how often they are used."""
    with contextlib.suppress(Exception):
        inside = getattr(layer, "_flatten_layers")(include_self=False)  # noqa: B009  (Keras has no public way)
        return any("Conv" in type(inner).__name__ for inner in inside)
    return False


def _positions(layer: Any) -> int:
    """Count how often a layer uses its weights for a sample: at each pixel it makes, or each step it goes through."""
    if hasattr(layer, "cell") or hasattr(layer, "forward_layer"):
        return math.prod(size or 1 for size in layer.input.shape[1:-1])
    sizes = [size for size in layer.output.shape[1:] if size is not None]
    # The last dimension is the weights' own.
    return math.prod(sizes[:-1])


def _weights_mb(model: Any) -> float | None:
    with contextlib.suppress(Exception):  # whatever a user's model makes of it
        sizes = [math.prod(variable.shape) for variable in model.weights]
        return 4 * sum(sizes) / 1e6 if sizes else None
    return None
