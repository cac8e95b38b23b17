"""A magic line becomes a request, the report becomes the cell's value. The only place that knows IPython's shell."""

from __future__ import annotations

from typing import Any

from inferspeed_magic.magics.completion import install
from inferspeed_magic.magics.distill import DistillMagics
from inferspeed_magic.magics.explain_latency import ExplainMagics
from inferspeed_magic.magics.inferspeed import MachineMagics
from inferspeed_magic.magics.optimize import OptimizeMagics
from inferspeed_magic.magics.profile_model import ProfileMagics

__all__ = ["DistillMagics", "ExplainMagics", "MachineMagics", "OptimizeMagics", "ProfileMagics", "register"]


def register(ipython: Any) -> None:
    """Make the magics and their completion known to a shell."""
    ipython.register_magics(ProfileMagics, OptimizeMagics, DistillMagics, ExplainMagics, MachineMagics)
    install(ipython)
