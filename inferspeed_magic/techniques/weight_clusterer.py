"""Few distinct weights in each kernel of a Keras model, as a step of a conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.techniques.clusters import clustered
from inferspeed_magic.techniques.keras_folder import opened, save
from inferspeed_magic.techniques.kernels import FEWEST, kernels_of

if TYPE_CHECKING:
    from inferspeed_magic.sources.portable import PortableModel

#: Kernels with fewer weights for each value stay as they are.
FEWEST_EACH = 4


def cluster(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    clusters: int,
) -> None:
    """Replace the weights of every kernel by the centres of their clusters.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model.
        target: folder to write.
        batch_size: not used.
        inputs: not used.
        clusters: how many distinct values each kernel keeps.

    Raises:
        UnsupportedError: for models of tf_keras, and those without a kernel that is large enough.
    """
    del state, batch_size, inputs
    found, kernels = clusterable(source, clusters)
    for variable in kernels:
        variable.assign(clustered(variable.numpy(), clusters))
    save(found.model, found, source, target)


def clusterable(source: str, clusters: int) -> tuple[PortableModel, list[Any]]:
    """Read a model, and list its kernels that are large enough.

    Raises:
        UnsupportedError: where there is none.
    """
    found = opened(source)
    if found.library != "keras":
        raise UnsupportedError("weights are clustered in models of Keras 3, and this is one of tf_keras")
    kernels = [each for _, each in kernels_of(found.model) if large_enough(each, clusters)]
    if not kernels:
        raise UnsupportedError(
            f"no layer has a kernel of at least {max(FEWEST, FEWEST_EACH * clusters)} weights that can be clustered"
        )
    return found, kernels


def large_enough(kernel: Any, clusters: int) -> bool:
    """Tell whether a kernel has weights enough for so many values."""
    return int(kernel.numpy().size) >= FEWEST_EACH * clusters
