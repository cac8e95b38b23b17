"""``%inferspeed``: what this machine is, and what it can run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from inferspeed_magic.errors import OptionError, UserError
from inferspeed_magic.magics.line import split

if TYPE_CHECKING:
    from inferspeed_magic.records import Machine, RuntimeStatus


@dataclass(frozen=True)
class MachineCard:
    """The machine and its runtimes, shown as text or HTML."""

    machine: Machine
    statuses: tuple[RuntimeStatus, ...]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from inferspeed_magic.panel.machine import machine_html, machine_text

        del include, exclude  # both forms are small, and front ends choose
        return {
            "text/plain": machine_text(self.machine, self.statuses),
            "text/html": machine_html(self.machine, self.statuses),
        }


@magics_class
class MachineMagics(Magics):  # type: ignore[misc]  # IPython ships no types that mypy may follow
    """The magic that describes the machine."""

    @no_var_expand  # type: ignore[untyped-decorator]
    @line_magic  # type: ignore[untyped-decorator]
    def inferspeed(self, line: str) -> MachineCard:
        """Say what this machine is, what could disturb timing here, and which runtimes are available.

            %inferspeed

        Shows the CPU and the instruction sets that matter for inference, the cores and memory
        given to this process, GPUs, what could disturb timing (governor, turbo, load), and each
        runtime with its version, or with the command that installs it.
        """
        from IPython.core.error import UsageError

        try:
            extra = split(line)
            if extra:
                raise OptionError(f"%inferspeed takes no arguments, so leave out {extra[0]}; %profile_model profiles")
            from inferspeed_magic.discovery import runtime_statuses
            from inferspeed_magic.measurement.machine import describe

            return MachineCard(describe(), runtime_statuses())
        except UserError as error:
            raise UsageError(str(error)) from error
