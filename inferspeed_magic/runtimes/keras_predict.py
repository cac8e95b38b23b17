"""``model.predict(x)``: the call most notebooks use. It builds a data pipeline around every call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.runtimes.base import UnsupportedError
from inferspeed_magic.runtimes.keras_session import KerasRuntime

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.runtimes.base import Lowering
    from inferspeed_magic.sources.portable import PortableModel


class KerasPredict(KerasRuntime):
    """``model.predict`` with the batch as one batch."""

    name = "keras.predict"

    def callable(self, model: PortableModel, lowering: Lowering) -> Callable[[Any], Any]:
        """Call ``predict`` silently."""
        if not model.has_predict:
            raise UnsupportedError("a SavedModel has no predict")
        keras_model, batch_size = model.model, lowering.batch_size
        return lambda inputs: keras_model.predict(inputs, batch_size=batch_size, verbose=0)
