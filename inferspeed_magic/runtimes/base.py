"""What a runtime is: the one contract that every file in this folder fulfils."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from inferspeed_magic.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from inferspeed_magic.records.operators import OperatorTime


__all__ = [
    "Availability",
    "Capabilities",
    "Lowering",
    "ProfiledSession",
    "Runtime",
    "Session",
    "UnsupportedError",
    "from_reference",
]


@dataclass(frozen=True)
class Lowering:
    """How a runtime is to realise an artifact.

    Attributes:
        device: ``cpu``, ``gpu`` or ``gpu:N``.
        threads: threads for one inference.
        batch_size: samples per inference.
        precision: of the arithmetic; runtimes that would lower it on their own are told not to.
        options: names and values of what else the runtime declares to be tunable; its own defaults where left out.
    """

    device: str = "cpu"
    threads: int = 1
    batch_size: int = 1
    precision: str = "float32"
    options: tuple[tuple[str, str], ...] = ()

    @property
    def device_index(self) -> int:
        """N of ``gpu:N``, 0 otherwise."""
        return int(self.device.partition(":")[2] or 0)

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU is asked for."""
        return self.device.startswith("gpu")


@dataclass(frozen=True)
class Availability:
    """Whether the runtime's library is installed, and if not, how to get it."""

    available: bool
    version: str | None = None
    reason: str | None = None
    install_command: str | None = None


@dataclass(frozen=True)
class Capabilities:
    """What a runtime declares without being loaded.

    Attributes:
        devices: kinds of device it can use: ``cpu``, ``gpu``.
        formats: artifact formats it opens, best first.
        batch_in_artifact: whether the artifact must be made for one batch size (its speed depends on it).
        tunable: options of ``Lowering`` and the values worth a try beside the runtime's default.
        profiles: whether it can say what its operators take (``compile_profiled``).
    """

    devices: tuple[str, ...]
    formats: tuple[str, ...]
    batch_in_artifact: bool
    tunable: tuple[tuple[str, tuple[str, ...]], ...] = ()
    profiles: bool = False


class Session(ABC):
    """A compiled model, ready to run."""

    #: What was asserted after loading: execution provider, device, threads.
    facts: dict[str, str]

    @abstractmethod
    def run(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Run one inference.

        Args:
            inputs: arrays on the host, in the order of the model's signature, the batch dimension first.

        Returns:
            Arrays on the host, in the order of the model's outputs.
        """


class ProfiledSession(Session):
    """A compiled model whose runtime times its operators while it runs."""

    @abstractmethod
    def operators(self) -> list[OperatorTime]:
        """End profiling, and say what the operators took; asked once, after the last inference.

        Returns:
            Operators that were executed, in the order of execution, each with a time for every inference since the
            session was opened. The times are the runtime's own; where its profiler only adds up, inferences between two
            readings share their mean. Constants and what was optimized away are left out.
        """


class Runtime(ABC):
    """A way to run a model. Stateless: everything that lives belongs to a ``Session``."""

    #: As in ``--runtime``.
    name: ClassVar[str]
    #: The distribution that holds the library, and the module that shows whether it is there.
    distribution: ClassVar[str]
    module: ClassVar[str]
    #: What to type to get it.
    install_command: ClassVar[str]
    #: Runtimes of the same group share a worker process (starting TensorFlow for each Keras call path takes seconds).
    group: ClassVar[str | None] = None
    #: Why it cannot profile, where it cannot; follows its name.
    unprofiled: ClassVar[str] = "does not say what its operators take"

    def availability(self) -> Availability:
        """Say whether the library is installed, without importing it."""
        try:
            found = importlib.util.find_spec(self.module) is not None
        except (ImportError, ValueError):
            found = False
        if not found:
            return Availability(
                available=False,
                reason=f"{self.distribution} is not installed",
                install_command=self.install_command,
            )
        try:
            version = importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            version = None
        return Availability(available=True, version=version)

    @abstractmethod
    def capabilities(self) -> Capabilities:
        """Say what the runtime can do, without importing its library."""

    def prepare(self, lowering: Lowering) -> None:
        """Import the library and set what can only be set before its first use. Not timed."""
        del lowering
        importlib.import_module(self.module)

    @abstractmethod
    def load(self, artifact: str, lowering: Lowering) -> Any:
        """Read the artifact into memory. Timed as ``load_ms``.

        Args:
            artifact: path of a file or folder in one of the runtime's formats.
            lowering: how it is to be realised.

        Raises:
            UnsupportedError: if the runtime cannot do this here.
        """

    @abstractmethod
    def compile(self, loaded: Any, lowering: Lowering) -> Session:
        """Prepare for running: graph optimization, tracing, kernel selection. Timed as ``compile_ms``.

        Raises:
            UnsupportedError: if what came out is not what was asked for (another device or provider).
        """

    def compile_profiled(self, loaded: Any, lowering: Lowering, folder: str) -> ProfiledSession:
        """Do the same with the runtime's own profiler of operators switched on.

        Args:
            loaded: from ``load``.
            lowering: how it is to be realised.
            folder: for what the profiler writes; the caller's, and empty.

        Raises:
            UnsupportedError: if the runtime cannot say what its operators take, here or at all.
        """
        del loaded, lowering, folder
        raise UnsupportedError(f"{self.name} {self.unprofiled}")


def from_reference(reference: str) -> Runtime:
    """Make the runtime that ``module:class`` names; how a worker learns what to run."""
    module, _, name = reference.partition(":")
    runtime: Runtime = getattr(importlib.import_module(module), name)()
    return runtime
