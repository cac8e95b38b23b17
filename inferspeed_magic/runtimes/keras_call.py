"""``model(x, training=False)``: eager execution, one kernel after the other, driven from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.runtimes.base import UnsupportedError
from inferspeed_magic.runtimes.keras_session import KerasRuntime

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.runtimes.base import Lowering
    from inferspeed_magic.sources.portable import PortableModel


class KerasCall(KerasRuntime):
    """``model.__call__``."""

    name = "keras.call"

    def callable(self, model: PortableModel, lowering: Lowering) -> Callable[[Any], Any]:
        """Call the model as it is."""
        del lowering
        if not model.has_predict:
            raise UnsupportedError("a SavedModel holds compiled functions only")
        return model.call
