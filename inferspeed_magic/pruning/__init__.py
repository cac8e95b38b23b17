"""Channels, neurons and heads removed from Keras 3 models: what is left is an ordinary Keras model."""

from inferspeed_magic.pruning.channels import ChannelGroup, channel_groups, prune

__all__ = ["ChannelGroup", "channel_groups", "prune"]
