"""Channels, neurons and heads removed from Keras 3 models: what is left is an ordinary Keras model."""

from inferspeed_magic.pruning.channels import ChannelGroup, channel_groups, prune
from inferspeed_magic.pruning.groups import groups, sliced, traced
from inferspeed_magic.pruning.rates import at_least_squares, cheapest_rates, gained
from inferspeed_magic.pruning.rises import loss_rises
from inferspeed_magic.pruning.widths import multiples_of, shares_of
from inferspeed_magic.pruning.work import multiplications, positions

__all__ = [
    "ChannelGroup",
    "at_least_squares",
    "channel_groups",
    "cheapest_rates",
    "gained",
    "groups",
    "loss_rises",
    "multiples_of",
    "multiplications",
    "positions",
    "prune",
    "shares_of",
    "sliced",
    "traced",
]
