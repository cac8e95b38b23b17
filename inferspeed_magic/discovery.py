"""Find runtimes and techniques: every file in their folders, and what other distributions offer as entry points.

A new one is one new file; nobody has to be told of it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import pkgutil
from functools import cache

from inferspeed_magic.records import RuntimeStatus
from inferspeed_magic.runtimes.base import Availability, Capabilities, Lowering, Runtime, Session
from inferspeed_magic.techniques.base import Technique

ENTRY_POINTS = "inferspeed_magic.runtimes"
TECHNIQUE_ENTRY_POINTS = "inferspeed_magic.techniques"
#: The order of reports: the call paths as users meet them, then the rest by name.
_FIRST = ("keras.predict", "keras.call", "keras.compiled", "keras.xla")


class _Broken(Runtime):
    """Stands for a runtime of another distribution that cannot be imported; it is never available."""

    name = "broken"
    distribution = module = install_command = ""

    def __init__(self, entry_point: importlib.metadata.EntryPoint, error: Exception) -> None:
        owner = entry_point.dist.name if entry_point.dist else entry_point.module
        self.name = entry_point.name  # type: ignore[misc]  # of this one object
        self._availability = Availability(
            available=False,
            reason=f"{owner}, which offers it, cannot be imported ({type(error).__name__}: {error})",
            install_command=f"pip install --upgrade {owner}",
        )

    def availability(self) -> Availability:
        """Say why not."""
        return self._availability

    def capabilities(self) -> Capabilities:
        """Declare nothing."""
        return Capabilities(devices=(), formats=(), batch_in_artifact=False)

    def load(self, artifact: str, lowering: Lowering) -> None:
        """Never called."""
        raise NotImplementedError

    def compile(self, loaded: object, lowering: Lowering) -> Session:
        """Never called."""
        raise NotImplementedError


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
        try:
            kind = entry_point.load()
            found[kind.name] = kind()
        except Exception as error:  # noqa: BLE001  (other people's code must not take ours down)
            found[entry_point.name] = _Broken(entry_point, error)
    rank = {name: number for number, name in enumerate(_FIRST)}
    return dict(sorted(found.items(), key=lambda pair: (rank.get(pair[0], len(rank)), pair[0])))


@cache
def techniques() -> dict[str, Technique]:
    """Map the name of every technique to it. Imports no library that does the work."""
    from inferspeed_magic import techniques as folder

    found: dict[str, Technique] = {}
    for module_info in pkgutil.iter_modules(folder.__path__):
        module = importlib.import_module(f"{folder.__name__}.{module_info.name}")
        for kind in vars(module).values():
            if inspect.isclass(kind) and issubclass(kind, Technique) and hasattr(kind, "name"):
                found[kind.name] = kind()
    for entry_point in importlib.metadata.entry_points(group=TECHNIQUE_ENTRY_POINTS):
        kind = entry_point.load()
        found[kind.name] = kind()
    return dict(sorted(found.items()))


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
