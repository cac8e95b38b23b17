"""Reasons that libraries give go on for pages; a note has room for a line."""

from __future__ import annotations

_LONGEST = 160


def short(reason: object) -> str:
    """Cut a reason to one line of bearable length."""
    line = " ".join(str(reason).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
