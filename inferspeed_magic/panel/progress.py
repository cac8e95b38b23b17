"""Progress while a cell works: what is being done, time left, and the first numbers as they come."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from inferspeed_magic.panel.numbers import number, seconds, time_unit
from inferspeed_magic.panel.parts import NO_FORMULAS, one_line
from inferspeed_magic.panel.training_curve import training_figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.records import Epoch

_SHORTEST_PAUSE_S = 0.2


class Progress(Protocol):
    """What a long job tells while it works."""

    def start(self, total_steps: int) -> None:
        """Begin, with nothing done."""

    def update(
        self,
        done: int,
        total: int,
        message: str,
        seconds_left: float | None = None,
        first_numbers: Sequence[tuple[str, float]] = (),
        *,
        epochs: Sequence[Epoch] = (),
    ) -> None:
        """Say what is being done now.

        Args:
            done: steps until now.
            total: steps that there are.
            message: what is being done.
            seconds_left: until the end, as far as that is known.
            first_numbers: candidates with their p50 in ms.
            epochs: of the training that goes on; none where nothing is trained now.
        """

    def finish(self, message: str | None = None) -> None:
        """End, and leave nothing behind but the message, if there is one."""

    def interrupt(self, message: str = "partial results kept") -> None:
        """End early, and say at which step."""


class NoProgress:
    """Says nothing."""

    def start(self, total_steps: int) -> None:
        """Do nothing."""

    def update(
        self,
        done: int,
        total: int,
        message: str,
        seconds_left: float | None = None,
        first_numbers: Sequence[tuple[str, float]] = (),
        *,
        epochs: Sequence[Epoch] = (),
    ) -> None:
        """Do nothing."""

    def finish(self, message: str | None = None) -> None:
        """Do nothing."""

    def interrupt(self, message: str = "partial results kept") -> None:
        """Do nothing."""


@dataclass(frozen=True)
class _State:
    done: int
    total: int
    message: str
    seconds_left: float | None = None
    first_numbers: tuple[tuple[str, float], ...] = ()
    epochs: tuple[Epoch, ...] = ()

    def latencies(self) -> list[tuple[str, str]]:
        unit = time_unit(value for _, value in self.first_numbers)
        return [(name, f"{number(value * unit.per_ms)} {unit.name}") for name, value in self.first_numbers]

    def step(self) -> str:
        return f"{self.done}/{self.total}"

    def sentence(self) -> str:
        left = "" if self.seconds_left is None else f", about {seconds(self.seconds_left)} left"
        return f"{one_line(self.message)}{left}"


class _Surface(Protocol):
    def show(self, state: _State) -> None: ...

    def end(self, message: str | None) -> None: ...


class CellProgress:
    """Shows progress in the cell of a notebook, or on a line of the terminal, or nowhere. It never raises.

    Progress is a courtesy: a closed pipe or an odd front end must not cost anybody a measurement.

    Args:
        clock: seconds.
        stream: the terminal; None for standard error.
        put: takes the HTML to show, where that is neither a cell nor a terminal.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        stream: TextIO | None = None,
        put: Callable[[str], None] | None = None,
    ) -> None:
        self._clock = clock
        self._stream = stream
        self._elsewhere = put
        self._surface: _Surface | None = None
        self._state = _State(0, 0, "")
        self._shown_at = float("-inf")

    def start(self, total_steps: int) -> None:
        """Begin, with nothing done."""
        with contextlib.suppress(Exception):
            self._surface = _Elsewhere(self._elsewhere) if self._elsewhere else _surface(self._stream)
            self._show(_State(0, total_steps, "starting"))

    def update(
        self,
        done: int,
        total: int,
        message: str,
        seconds_left: float | None = None,
        first_numbers: Sequence[tuple[str, float]] = (),
        *,
        epochs: Sequence[Epoch] = (),
    ) -> None:
        """Say what is being done now, at most five times a second."""
        with contextlib.suppress(Exception):
            # Numbers stay on show until others replace them.
            numbers = tuple(first_numbers) or self._state.first_numbers
            self._state = _State(done, total, message, seconds_left, numbers, tuple(epochs))
            if self._clock() - self._shown_at >= _SHORTEST_PAUSE_S:
                self._show(self._state)

    def finish(self, message: str | None = None) -> None:
        """Clear the output, so that a saved notebook holds no stale bar."""
        self._end(message)

    def interrupt(self, message: str = "partial results kept") -> None:
        """Say where it stopped."""
        self._end(f"interrupted at {self._state.step()} - {message}")

    def _show(self, state: _State) -> None:
        self._state = state
        self._shown_at = self._clock()
        if self._surface is not None:
            self._surface.show(state)

    def _end(self, message: str | None) -> None:
        with contextlib.suppress(Exception):
            if self._surface is not None:
                self._surface.end(message)
        self._surface = None


def _surface(stream: TextIO | None) -> _Surface | None:
    if in_notebook():
        return _Cell()
    # sys.stderr is None under pythonw.
    terminal = stream or sys.stderr
    return _Line(terminal) if terminal is not None and terminal.isatty() else None


def in_notebook() -> bool:
    """Ask IPython, if it runs at all: only shells that serve a front end have a kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def _html(state: _State) -> str:
    numbers = "".join(f"<li>{escape(one_line(name))}: {escape(shown)}</li>" for name, shown in state.latencies())
    return (
        f'<div class="{NO_FORMULAS}">'
        f'<progress value="{state.done}" max="{max(1, state.total)}" aria-label="profiling"></progress> '
        f"{state.step()} {escape(state.sentence())}{training_figure(state.epochs)}"
        + (f'<ul style="margin:.2em 0;padding-left:1.4em">{numbers}</ul>' if numbers else "")
        + "</div>"
    )


class _Elsewhere:
    """Whatever shows HTML."""

    def __init__(self, put: Callable[[str], None]) -> None:
        self._put = put

    def show(self, state: _State) -> None:
        self._put(_html(state))

    def end(self, message: str | None) -> None:
        self._put(f"<div>{escape(one_line(message))}</div>" if message else "")


class _Cell:
    """One output of the cell, updated in place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, state: _State) -> None:
        self._put(_html(state), f"{state.step()} {state.sentence()}")

    def end(self, message: str | None) -> None:
        words = one_line(message or "")
        self._put(f"<div>{escape(words)}</div>" if words else "", words)

    def _put(self, html: str, text: str) -> None:
        from IPython.display import display

        bundle = {"text/html": html, "text/plain": text}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


class _Line:
    """One line of a terminal, written over."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._written = 0

    def show(self, state: _State) -> None:
        numbers = "".join(f"; {one_line(name)} {shown}" for name, shown in state.latencies())
        self._write(f"{state.step()} {state.sentence()}{numbers}")

    def end(self, message: str | None) -> None:
        self._write(one_line(message or ""))
        self._stream.write("\n" if message else "")
        self._stream.flush()

    def _write(self, text: str) -> None:
        # The last column is left free: some terminals wrap as soon as it is written to.
        line = text[: shutil.get_terminal_size().columns - 1]
        self._stream.write("\r" + line.ljust(self._written) + ("\r" if not line else ""))
        self._stream.flush()
        self._written = len(line)
