"""What can go wrong, and who has to mend it.

::

    InferspeedError
    ├── UserError            the user can mend it: the message is one line and names the mend
    │   ├── ModelError       a name or file that is no model, or a model that cannot be run as it stands
    │   ├── InputError       inputs whose shape, dtype or number do not fit the model
    │   └── OptionError      an option or argument with a value that makes no sense
    ├── UnsupportedError     a runtime or a format cannot do this here; becomes a result with that status
    ├── WorkerError          a worker process failed; becomes a result with a status and a reason
    └── ProfileInterrupted   the user interrupted; carries the partial report (also a KeyboardInterrupt)

Whatever a runtime or a converter does wrong is *not* an exception for the user: it is a result with a reason.
"""

from __future__ import annotations

from typing import Any


class InferspeedError(Exception):
    """Root of the tree."""


class UserError(InferspeedError):
    """A mistake that the user can mend. The message is one line: what is wrong, and what to do."""


class ModelError(UserError):
    """A name or file that is no model, or a model that cannot be run as it stands."""


class InputError(UserError):
    """Inputs whose number, shape or dtype do not fit the model."""


class OptionError(UserError):
    """An option or argument with a value that makes no sense."""


class UnsupportedError(InferspeedError):
    """A runtime or a format cannot do this here; the message says why. Becomes the status ``unsupported``."""


class WorkerError(InferspeedError):
    """A job in a worker process failed.

    Attributes:
        status: the status word of the result that this failure becomes (``failed``, ``crashed``, ``timed_out`` ...).
        reason: one line for the user.
    """

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


class ProfileInterrupted(KeyboardInterrupt):
    """The user interrupted; ``report`` holds what was measured until then.

    A ``KeyboardInterrupt``, so that notebooks stop at the cell and scripts stop as they would without us.
    """

    def __init__(self, message: str, report: Any) -> None:
        super().__init__(message)
        self.report = report

    def _render_traceback_(self) -> list[str]:
        """IPython shows this instead of the stack of our internals."""
        return [f"KeyboardInterrupt: {self}"]
