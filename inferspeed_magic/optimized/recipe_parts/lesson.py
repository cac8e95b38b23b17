"""What a model is trained with, as it was when the script was written; and what is said while it learns."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, Any

from inferspeed_magic.training.lesson import LOG

if TYPE_CHECKING:
    from pathlib import Path


def hash_of_lesson(folder: Path) -> str:
    """Hash the files of a folder with their names, without what a training wrote down in it."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != LOG:
            digest.update(str(file.relative_to(folder)).encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def print_epoch(folder: str | Path | None, epoch: Any) -> None:
    """Say how an epoch went. Nothing is written where others may be learning from the same files."""
    del folder
    sys.stdout.write(f"epoch {epoch.epoch}: loss {epoch.loss:.3g}, on other samples {epoch.check_loss:.3g}\n")
