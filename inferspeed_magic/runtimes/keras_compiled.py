"""The model compiled by its backend: ``tf.function``, ``jax.jit`` or ``torch.compile``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.runtimes.keras_session import KerasRuntime

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.runtimes.base import Lowering
    from inferspeed_magic.sources.portable import PortableModel


class KerasCompiled(KerasRuntime):
    """``tf.function(model)`` and its like, traced for one batch size."""

    name = "keras.compiled"

    def callable(self, model: PortableModel, lowering: Lowering) -> Callable[[Any], Any]:
        """Trace for this batch size."""
        return model.compiled(lowering.batch_size, xla=False)
