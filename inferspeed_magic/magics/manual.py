"""What ``%profile_model?`` shows and its like, written from the options themselves so that it cannot lag behind."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

_WIDTH = 88


def manual(introduction: str, options: Iterable[argparse.Action], examples: str) -> str:
    """Write the documentation of a magic."""
    entries = "\n".join(
        _entry(" ".join((*action.option_strings, *_metavar(action.metavar))), action.help or "") for action in options
    )
    return f"{introduction}\n\nOptions:\n{entries}\n\nExamples:\n{examples}\n"


def _metavar(metavar: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (metavar,) if isinstance(metavar, str) else ()


def _entry(heading: str, text: str) -> str:
    body = textwrap.fill(text.replace("%%", "%"), _WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return f"    {heading}\n{body}"
