"""Models that come out of ``optimize``: callable, saved and loaded without TensorFlow."""

from inferspeed_magic.optimized.model import OptimizedModel
from inferspeed_magic.optimized.package import Package
from inferspeed_magic.optimized.saved import load

__all__ = ["OptimizedModel", "Package", "load"]
