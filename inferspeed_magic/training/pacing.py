"""How fast a model learns over the time it is given, and when it stops."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: Of the optimizer's own rate, what is left at the end.
_LAST = 0.02


def pace(keras: Any, steps: int, ends: float, note: Callable[[int, dict[str, float], bool], None]) -> Any:
    """Make a callback that lets the learning rate fall along half a cosine, and ends training in time.

    The way is measured by steps, so that the same seed gives the same weights; or by time, where that will not do for
    all steps: who has time for two epochs of ten gets to the low rates all the same. Source: I. Loshchilov, F. Hutter,
    "SGDR", arXiv:1608.03983, 2016, without restarts.

    Args:
        keras: the library, ``keras`` or ``tf_keras``; the model's optimizer has a plain number as its rate.
        steps: of all epochs together.
        ends: when training has to be over, as of ``time.monotonic``.
        note: is called with the number of an epoch, from 0, what Keras says of it, whether time ends it.
    """

    class Pace(keras.callbacks.Callback):  # type: ignore[misc]
        """Slows down, and stops."""

        def on_train_begin(self, logs: Any = None) -> None:
            del logs
            self._done = 0
            self._began = time.monotonic()
            self._highest = float(self.model.optimizer.learning_rate)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            del batch, logs
            self._done += 1
            now = time.monotonic()
            if self._done == 1:  # the first takes long for other reasons
                self._settled = now
            way = self._done / steps
            expected_s = (now - self._settled) / max(1, self._done - 1) * steps
            if expected_s > ends - self._settled:
                way = max(way, (now - self._began) / max(1e-9, ends - self._began))
            share = _LAST + (1.0 - _LAST) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, way)))
            self.model.optimizer.learning_rate.assign(self._highest * share)
            if now >= ends:
                self.model.stop_training = True

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            over = time.monotonic() >= ends
            note(epoch, dict(logs or {}), over and epoch + 1 < self.params["epochs"])
            if over:
                self.model.stop_training = True

    return Pace()
