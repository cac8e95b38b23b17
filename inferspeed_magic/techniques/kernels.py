"""Which weights of a Keras 3 model are multiplied with activations: those that can be zeros, or few values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What Keras calls them. Tables of embeddings are looked up, not multiplied.
_NAMES = ("kernel", "recurrent_kernel", "pointwise_kernel")
#: Depthwise kernels are a few weights for each channel, and accuracy falls fast without them.
_LEFT = "DepthwiseConv"
#: Kernels with fewer weights cost next to nothing, and have much to lose.
FEWEST = 64
_MATRIX = 2


def kernels_of(model: Any) -> Iterator[tuple[Any, Any]]:
    """List the kernels of a model, each once, with the layer that has it.

    Args:
        model: of Keras 3, of any kind, built.

    Yields:
        Pairs of a layer and a variable; of layers of the user's own every matrix that is trained.
    """
    seen: set[int] = set()
    for layer in model._flatten_layers():  # noqa: SLF001  (also lists layers inside layers)
        own = not type(layer).__module__.startswith("keras.")
        for variable in layer._trainable_variables:  # noqa: SLF001  (its own alone)
            wanted = variable.name in _NAMES or own
            if id(variable) in seen or not wanted or type(layer).__name__.startswith(_LEFT):
                continue
            size = 1
            for length in variable.shape:
                size *= length
            if (
                len(variable.shape) >= _MATRIX
                and size >= FEWEST
                and str(variable.dtype).startswith(("float", "bfloat"))
            ):
                seen.add(id(variable))
                yield layer, variable
