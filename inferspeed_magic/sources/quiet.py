"""Keep the libraries' warnings and log lines out of the user's cell: what matters becomes a note in the report."""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_lock = threading.Lock()
_inside = 0
_filters: warnings.catch_warnings[None] | None = None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and logging while any thread is inside.

    Both are settings of the whole process, and the converter's thread is in here together with the main one: so the
    first to enter silences and the last to leave restores.
    """
    global _inside, _filters  # noqa: PLW0603  (see above)
    with _lock:
        if _inside == 0:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.simplefilter("ignore")
            logging.disable(logging.WARNING)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _filters is not None:
                logging.disable(logging.NOTSET)
                _filters.__exit__(None, None, None)
                _filters = None
