"""Convolutions of many widths, to see which of them a runtime's kernels like. Built in worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.measurement.chain_models import permutation, save_litert_chain, save_onnx_chain

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Places of a feature map, and operators behind each other: enough that products take most of the time.
_SIDE, _LENGTH, _WINDOW = 24, 2, 3


def write_onnx_widths(_state: dict[str, Any], *, folder: str, widths: Sequence[int]) -> list[dict[str, Any]]:
    """Write a chain of 3x3 convolutions for each width as ONNX; needs ``onnx``.

    Returns:
        For each ``path``, ``shape`` of its input and ``width``.
    """
    found = []
    for width in widths:
        path, shape = f"{folder}/width_{width}.onnx", [1, width, _SIDE, _SIDE]
        save_onnx_chain(path, permutation(_WINDOW, width), _LENGTH, shape)
        found.append({"path": path, "shape": shape, "width": width})
    return found


def write_litert_widths(_state: dict[str, Any], *, folder: str, widths: Sequence[int]) -> list[dict[str, Any]]:
    """Write the same as LiteRT files.

    Returns:
        As ``write_onnx_widths``.
    """
    found = []
    for width in widths:
        path, shape = f"{folder}/width_{width}.tflite", [1, _SIDE, _SIDE, width]
        save_litert_chain(path, permutation(_WINDOW, width), _LENGTH, shape)
        found.append({"path": path, "shape": shape, "width": width})
    return found
