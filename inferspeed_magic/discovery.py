"""Find runtimes: every file in ``runtimes/``, and what other distributions offer as entry points.

A new runtime is one new file; nobody has to be told of it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import pkgutil
from functools import cache

from inferspeed_magic.records import RuntimeStatus
from inferspeed_magic.runtimes.base import Runtime

ENTRY_POINTS = "inferspeed_magic.runtimes"
#: The order of reports: the call paths as users meet them, then the rest by name.
_FIRST = ("keras.predict", "keras.call", "keras.compiled", "keras.xla")


@cache
def runtimes() -> dict[str, Runtime]:
    """Map the name of every runtime to it, in the order of reports. Imports no runtime's library."""
    from inferspeed_magic import runtimes as folder

    found: dict[str, Runtime] = {}
    for module_info in pkgutil.iter_modules(folder.__path__):
        module = importlib.import_module(f"{folder.__name__}.{module_info.name}")
        for kind in vars(module).values():
            if (
                inspect.isclass(kind)
                and issubclass(kind, Runtime)
                and hasattr(kind, "name")
                and not inspect.isabstract(kind)
            ):
                found[kind.name] = kind()
    for entry_point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        kind = entry_point.load()
        found[kind.name] = kind()
    rank = {name: number for number, name in enumerate(_FIRST)}
    return dict(sorted(found.items(), key=lambda pair: (rank.get(pair[0], len(rank)), pair[0])))


def runtime_names() -> tuple[str, ...]:
    """Names of all runtimes, available or not."""
    return tuple(runtimes())


def reference(runtime: Runtime) -> str:
    """Name a runtime so that a worker can import it: ``module:class``."""
    kind = type(runtime)
    return f"{kind.__module__}:{kind.__qualname__}"


def runtime_statuses() -> tuple[RuntimeStatus, ...]:
    """Say for each runtime whether it is available here, and how to get it if not."""
    statuses = []
    for name, runtime in runtimes().items():
        found = runtime.availability()
        statuses.append(RuntimeStatus(name, found.available, found.version, found.reason, found.install_command))
    return tuple(statuses)
