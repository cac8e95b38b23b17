"""Put a finished folder in the place of another one, so that whoever looks sees the old one or the new one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def beside(folder: Path) -> Path:
    """Name a hidden neighbour of a folder that is not there yet."""
    return folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:12]}")


def put_in_place(draft: Path, target: Path) -> None:
    """Rename a folder to another one's name; what was there is thrown away once the new one is in place.

    Args:
        draft: finished, on the same file system.
        target: not there, an empty folder, or the folder to replace.

    Raises:
        OSError: if that is not possible; the target is then as it was.
    """
    with contextlib.suppress(OSError):
        target.rmdir()  # only where it is empty
    if not target.exists():
        draft.rename(target)
    elif _exchanged(draft, target):
        shutil.rmtree(draft, ignore_errors=True)
    else:
        aside = beside(target)
        target.rename(aside)
        try:
            draft.rename(target)
        except BaseException:
            aside.rename(target)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, where the system and the file system can (Linux, man 2 renameat2)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):
        return False
    done: int = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return done == 0
