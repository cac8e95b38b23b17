"""Which channels have to go together.

Every layer that makes channels (filters, neurons, heads, features of an embedding) gets numbers for them. Where a graph
adds two tensors, channel for channel, the two numbers stand for the same unit from then on: neither can be removed
without the other (the dependency groups of Fang and others, "DepGraph: towards any structural pruning", CVPR 2023,
https://arxiv.org/abs/2301.12900).
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: A channel that no layer of the model made: an input of the model, a constant.
FIXED = -1

Channels = np.ndarray[Any, np.dtype[np.int64]]


class Units:
    """Numbers of channels, and which of them are the same unit."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._reasons: dict[int, str] = {}

    def new(self, count: int) -> Channels:
        """Give numbers to channels that a layer makes."""
        first = len(self._parents)
        self._parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def fix(self, channels: Channels, reason: str) -> None:
        """Say that these cannot be removed, and why; the first reason stays."""
        for channel in channels.tolist():
            if channel != FIXED:
                self._reasons.setdefault(self._root(channel), reason)

    def unite(self, one: Channels, other: Channels, reason: str) -> Channels:
        """Say that channels of two tensors of the same length stand for the same units, place by place.

        Args:
            one: channels.
            other: as many.
            reason: why a channel cannot be removed that meets a fixed one.

        Returns:
            The numbers of what comes of them.
        """
        met = []
        for first, second in zip(one.tolist(), other.tolist(), strict=True):
            if FIXED in (first, second):
                self.fix(np.array([first, second]), reason)
                met.append(max(first, second))
                continue
            kept, joined = self._root(first), self._root(second)
            if kept != joined:
                self._parents[joined] = kept
                if joined in self._reasons:
                    self._reasons.setdefault(kept, self._reasons.pop(joined))
            met.append(kept)
        return np.array(met, np.int64)

    def roots(self, channels: Channels) -> Channels:
        """Give the unit of each channel; ``FIXED`` for those that are none."""
        return np.array([each if each == FIXED else self._root(each) for each in channels.tolist()], np.int64)

    def reason(self, unit: int) -> str | None:
        """Say why a unit cannot be removed; None where it can."""
        return "it is an input of the model" if unit == FIXED else self._reasons.get(self._root(unit))

    def _root(self, channel: int) -> int:
        while self._parents[channel] != channel:
            self._parents[channel] = self._parents[self._parents[channel]]
            channel = self._parents[channel]
        return channel
