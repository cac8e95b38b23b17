"""Dilated convolutions as one operator: TensorFlow takes them apart for the CPU.

It cuts the input into interleaved parts (``SpaceToBatchND``), convolves these without dilation, and puts them together
again. The parts are padded to one size, so that this does more work than the layer asks for; every converter undoes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.counting.known import through_views

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inferspeed_magic.counting.flat_graph import Node

_CONVOLUTIONS = {"Conv2D", "Conv3D", "DepthwiseConv2dNative"}


def join_dilated(nodes: Iterable[Node]) -> None:
    """Turn the last of the three operators into the convolution; the other two are then needed by nobody."""
    for node in nodes:
        if node.kind != "BatchToSpaceND":
            continue
        convolution = through_views(node.inputs[0]).maker
        if convolution is None or convolution.kind not in _CONVOLUTIONS:
            continue
        cut = through_views(convolution.inputs[0]).maker
        if cut is None or cut.kind != "SpaceToBatchND":
            continue
        node.kind, node.attributes = convolution.kind, convolution.attributes
        node.inputs = [cut.inputs[0], *convolution.inputs[1:]]
