"""Reading the small files by which Linux describes itself (``/proc``, ``/sys``).

Every function that reads them takes the root of the file system, so that a test can hand it a machine made of files.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/")


def read(path: Path) -> str | None:
    """Return the file's text without outer white space, or None: a missing or forbidden file is an ordinary answer."""
    try:
        # Device-tree strings end in NUL; a stray byte in a vendor's name must not stop a measurement.
        return path.read_text(encoding="utf-8", errors="replace").strip(" \t\r\n\0")
    except (OSError, ValueError):
        return None


def numbers(listing: str) -> tuple[int, ...]:
    """Spell out the kernel's way of listing CPUs: ``0-2,8`` is 0, 1, 2, 8."""
    spelt: list[int] = []
    for part in filter(None, listing.strip().split(",")):
        first, _, last = part.partition("-")
        spelt.extend(range(int(first), int(last or first) + 1))
    return tuple(spelt)
