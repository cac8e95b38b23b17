"""inferspeed_magic: how fast a Keras model really is, on every runtime this machine has, and why.

In a notebook::

    %load_ext inferspeed_magic

    %%profile_model
    model = keras.Sequential([...])

In a script, with the same verbs::

    import inferspeed_magic as im

    report = im.profile({"small": small, "big": big})
    report.compare("small/litert", "big/litert").verdict

Importing this package imports no runtime, no TensorFlow and no Bokeh: names are loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.version import __version__

if TYPE_CHECKING:
    from inferspeed_magic.optimized import OptimizedModel, load
    from inferspeed_magic.pruning import channel_groups, prune
    from inferspeed_magic.report import ExplainReport, OptimizeReport, Report, load_report
    from inferspeed_magic.twins import twin, untwin
    from inferspeed_magic.workflow import explain, last_report, optimize, profile

__all__ = [
    "ExplainReport",
    "OptimizeReport",
    "OptimizedModel",
    "Report",
    "__version__",
    "channel_groups",
    "explain",
    "last_report",
    "load",
    "load_ipython_extension",
    "load_report",
    "optimize",
    "profile",
    "prune",
    "twin",
    "untwin",
]

_HOMES = {
    "ExplainReport": "report",
    "OptimizeReport": "report",
    "OptimizedModel": "optimized",
    "Report": "report",
    "channel_groups": "pruning",
    "explain": "workflow",
    "last_report": "workflow",
    "load": "optimized",
    "load_report": "report",
    "optimize": "workflow",
    "profile": "workflow",
    "prune": "pruning",
    "twin": "twins",
    "untwin": "twins",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562), so that ``%load_ext`` stays fast."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(ipython: Any) -> None:
    """Register the magics; called by ``%load_ext inferspeed_magic``."""
    from inferspeed_magic.magics import register

    register(ipython)
