"""Close in on how much can be removed: the largest share that accuracy allows."""

from __future__ import annotations

_FIRST, _MOST = 50, 90
_STEP = 5
#: Closer than this is not worth another training.
_CLOSE = 10


class Bracket:
    """Shares in percent that are known to hold, and not to.

    Args:
        first: to try.
        most: that can be removed at all.
    """

    def __init__(self, first: int = _FIRST, most: int = _MOST) -> None:
        self._first, self._most = (_STEP * (min(each, _MOST) // _STEP) for each in (first, most))
        self._holds, self._fails = 0, self._most + _STEP
        self._tried: set[int] = set()

    def share(self) -> int | None:
        """Say which share to try next; None where nothing more is to be learned."""
        if not self._tried:
            return self._first if self._first >= _STEP else None
        if self._fails - self._holds <= _CLOSE:
            return None
        middle = _STEP * round((self._holds + self._fails) / 2 / _STEP)
        return None if middle in self._tried or not _STEP <= middle <= self._most else middle

    def note(self, share: int, *, holds: bool) -> None:
        """Learn whether a share was accurate enough."""
        self._tried.add(share)
        if holds:
            self._holds = max(self._holds, share)
        else:
            self._fails = min(self._fails, share)
