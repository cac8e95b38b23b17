"""Nested inputs as a flat list, and back. The template is JSON, so that it can travel to a worker.

A leaf is the position in the flat list; a list is ``{"list": [...]}``, a tuple ``{"tuple": [...]}``, a dictionary
``{"dict": {...}}``. Dictionaries are flattened in the order of their sorted keys, as Keras, TensorFlow and JAX do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Template = int | dict[str, Any]


def flatten(structure: Any) -> tuple[list[Any], Template]:
    """Split a nested structure into its leaves and the template that puts them back."""
    leaves: list[Any] = []

    def walk(part: Any) -> Template:
        if isinstance(part, dict):
            return {"dict": {str(key): walk(part[key]) for key in sorted(part)}}
        if isinstance(part, tuple):
            return {"tuple": [walk(each) for each in part]}
        if isinstance(part, list):
            return {"list": [walk(each) for each in part]}
        leaves.append(part)
        return len(leaves) - 1

    return leaves, walk(structure)


def pack(template: Template, leaves: Sequence[Any]) -> Any:
    """Put leaves back into the nested structure."""
    if isinstance(template, int):
        return leaves[template]
    if "dict" in template:
        return {key: pack(each, leaves) for key, each in template["dict"].items()}
    if "tuple" in template:
        return tuple(pack(each, leaves) for each in template["tuple"])
    return [pack(each, leaves) for each in template["list"]]


def leaves(structure: Any) -> list[Any]:
    """List the leaves of a nested structure; none of None."""
    return [] if structure is None else flatten(structure)[0]


def taken(structure: Any, places: Any) -> Any:
    """Take the same places (an index or a slice) out of every array of a nested structure; None stays None."""
    if structure is None:
        return None
    arrays, template = flatten(structure)
    return pack(template, [array[places] for array in arrays])
