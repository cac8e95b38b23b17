"""The session of a package: opened at the first call, once, and used by one thread at a time."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Any

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.errors import InferspeedError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from inferspeed_magic.optimized.package import Package
    from inferspeed_magic.runtimes.base import Lowering, Runtime, Session

    Array = np.ndarray[Any, Any]


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep what libraries in C++ write to standard error while they start out of the notebook (LiteRT: "INFO: ...")."""
    try:
        kept = os.dup(2)
    except OSError:  # no standard error at all
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


class LazySession:
    """A session in this process.

    Args:
        package: what to open.
        read: reads the artifact in place of ``runtime.load``, for files that must not be trusted; same arguments.
        verify: called before the artifact is read; raises if it must not be.
    """

    def __init__(
        self,
        package: Package,
        *,
        read: Callable[[str, Lowering], Any] | None = None,
        verify: Callable[[], None] | None = None,
    ) -> None:
        self._package = package
        self._read = read
        self.verify = verify or _nothing
        self._lock = threading.Lock()
        self._session: Session | None = None
        #: What differs from what was asked for, one sentence each.
        self.notes: tuple[str, ...] = ()

    def run(self, arrays: list[Array]) -> list[Array]:
        """Run one inference; other threads wait.

        Raises:
            ModelError: if the session cannot be opened, or fails.
        """
        with self._lock:
            session = self._session
            if session is None:
                session = self._session = self._open()
            try:
                return session.run(arrays)
            except Exception as error:
                raise ModelError(f"`{self._package.name}` failed: {first_line(error)}") from error

    def close(self) -> None:
        """Free the session; the next call opens it anew."""
        with self._lock:
            self._session = None

    def _open(self) -> Session:
        package = self._package
        runtime = runtime_of(package)
        self.verify()
        package.files()
        self.notes = ()
        try:
            with _silent():
                self._prepare(runtime)
                loaded = (self._read or runtime.load)(str(package.artifact), package.lowering)
                return runtime.compile(loaded, package.lowering)
        except InferspeedError as error:
            raise ModelError(f"`{package.name}` cannot be opened: {error}") from error
        except Exception as error:
            raise ModelError(f"`{package.name}` cannot be opened by {runtime.name}: {first_line(error)}") from error

    def _prepare(self, runtime: Runtime) -> None:
        try:
            runtime.prepare(self._package.lowering)
        except RuntimeError as error:
            # TensorFlow's threads are set once in a process, and here they were: the library itself is imported.
            if runtime.group != "keras":
                raise
            self.notes = (f"runs with this process's own number of threads ({first_line(error)})",)


def _nothing() -> None:
    """Verify what needs no verifying."""


def runtime_of(package: Package) -> Runtime:
    """Find the runtime of a package.

    Raises:
        ModelError: if it is not installed, with what to type to get it.
    """
    runtime = runtimes().get(package.runtime)
    if runtime is None:
        raise ModelError(
            f"`{package.name}` runs on {package.runtime}, which is no runtime here (these are: "
            f"{', '.join(runtimes())}): install the distribution that offers it, or upgrade inferspeed-magic"
        )
    found = runtime.availability()
    if not found.available:
        raise ModelError(f"`{package.name}` runs on {runtime.name}, but {found.reason}: {found.install_command}")
    return runtime


def first_line(error: BaseException) -> str:
    """Say in one line what a library raised."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
