"""Functions of libraries, replaced for as long as a model is traced, and only for the thread that traces it.

A model that stays in the kernel is converted there, in a thread beside the one that runs it: that one has to find the
libraries as they are.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Two threads that replace the same function could not put the original back in any order.
_one_thread = threading.RLock()


@contextlib.contextmanager
def replaced(place: Any, name: str, change: Callable[[Any], Callable[..., Any]]) -> Iterator[None]:
    """Replace a function or a property; a version of the library that has none needs no replacement.

    Args:
        place: module or class.
        name: of its attribute.
        change: makes the replacement from the original function.
    """
    with _one_thread:
        found = getattr(place, name, None)
        if found is None:
            yield
            return
        original: Any = found.fget if isinstance(found, property) else found
        changed, ours = change(original), threading.get_ident()

        def either(*arguments: Any, **options: Any) -> Any:
            return (changed if threading.get_ident() == ours else original)(*arguments, **options)

        with mock.patch.object(place, name, property(either) if isinstance(found, property) else either):
            yield
