"""Epochs as lines of a file: written by the process that trains, read by the one that shows them meanwhile."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from inferspeed_magic.records.epoch import Epoch
from inferspeed_magic.training.lesson import LOG


def write_epoch(folder: str | Path | None, epoch: Epoch) -> None:
    """Add an epoch to the log in a folder; None for no log."""
    if folder is not None:
        with (Path(folder) / LOG).open("a") as file:
            file.write(json.dumps(asdict(epoch)) + "\n")


def read_epochs(file: Path) -> tuple[Epoch, ...]:
    """Read the epochs until now, numbered through all stages of training; none where there is no log.

    Args:
        file: whose last line may still be half written.
    """
    try:
        lines = file.read_text().splitlines()
    except (OSError, ValueError):
        return ()
    found: list[Epoch] = []
    before: Epoch | None = None
    begins = Epoch(0, 0.0, 0.0, 0.0)
    for line in lines:
        with contextlib.suppress(ValueError, TypeError):
            one = Epoch(**json.loads(line))
            if before is not None and one.epoch <= before.epoch:  # whose stage began to count anew
                begins = found[-1]
            stage = one.stage + (begins.stage if begins.epoch else 0)
            found.append(
                replace(one, epoch=begins.epoch + one.epoch, elapsed_s=begins.elapsed_s + one.elapsed_s, stage=stage)
            )
            before = one
    return tuple(found)
