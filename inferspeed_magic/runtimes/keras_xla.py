"""The model compiled by XLA: ``tf.function(jit_compile=True)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.runtimes.base import UnsupportedError
from inferspeed_magic.runtimes.keras_session import KerasRuntime

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.runtimes.base import Lowering
    from inferspeed_magic.sources.portable import PortableModel


class KerasXla(KerasRuntime):
    """``tf.function(model, jit_compile=True)``, compiled for one batch size.

    XLA compiles when a function first runs, so ``first_inference_ms`` holds the compilation.
    """

    name = "keras.xla"

    def callable(self, model: PortableModel, lowering: Lowering) -> Callable[[Any], Any]:
        """Trace for this batch size with XLA on."""
        if model.backend == "jax":
            raise UnsupportedError("on the JAX backend keras.compiled is XLA already")
        if model.backend == "torch":
            raise UnsupportedError("the PyTorch backend compiles with TorchInductor, not XLA: see keras.compiled")
        return model.compiled(lowering.batch_size, xla=True)
