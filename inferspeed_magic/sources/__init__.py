"""What users hand in: live Keras models and files. Importing this imports no framework."""

from inferspeed_magic.sources.kinds import is_model

__all__ = ["is_model"]
