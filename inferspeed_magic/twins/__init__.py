"""Keras 3 models rebuilt in tf_keras, which older libraries ask for, and their weights brought back."""

from inferspeed_magic.twins.rebuilding import hand_over, rebuild, twin, untwin

__all__ = ["hand_over", "rebuild", "twin", "untwin"]
