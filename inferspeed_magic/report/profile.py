"""What ``profile`` hands back: a record, and every way to look at it."""

from __future__ import annotations

import base64
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from inferspeed_magic.discovery import runtime_names
from inferspeed_magic.errors import OptionError
from inferspeed_magic.panel import (
    NoProgress,
    profile_charts,
    profile_panel,
    profile_picture,
    profile_text,
    profile_view,
)
from inferspeed_magic.panel.controls import show
from inferspeed_magic.panel.frame import profile_frame
from inferspeed_magic.panel.parts import one_line
from inferspeed_magic.panel.progress import in_notebook
from inferspeed_magic.panel.ranking import is_rate_search, measured
from inferspeed_magic.records.json_form import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from inferspeed_magic.diagnosis import Comparison
    from inferspeed_magic.panel import Progress
    from inferspeed_magic.panel.ranking import Speedups
    from inferspeed_magic.profiling.more import More
    from inferspeed_magic.records import Machine, Measurement, ProfileRecord, Result


@dataclass(frozen=True)
class Drawn:
    """A report in every form that it is shown in; ``panel`` and ``picture`` are empty where only words were wanted."""

    title: str
    text: str
    panel: str = ""
    picture: bytes = b""


class Report:
    """The outcome of one ``profile``.

    A notebook shows it as a panel. Nothing in it needs the models, the runtimes or the machine it was measured on;
    where they are at hand, the panel offers to measure more, and the report grows.

    Args:
        record: what was measured.
        more: measures more; None for a report that was loaded.
    """

    def __init__(self, record: ProfileRecord, more: More | None = None) -> None:
        self.record = record
        self._more = more
        self._met = [result.name for result in record.results]

    @property
    def results(self) -> tuple[Result, ...]:
        """One for each candidate, measured or not."""
        return self.record.results

    @property
    def machine(self) -> Machine:
        """Where it was measured."""
        return self.record.machine

    @property
    def interrupted(self) -> bool:
        """Whether the results are partial."""
        return self.record.interrupted

    def to_pandas(self) -> pd.DataFrame:
        """Make a table with one row for each result; numbers that were not measured are NaN."""
        return profile_frame(self.record)

    def compare(self, first: str, second: str, batch_size: int | None = None) -> Comparison:
        """Compare two candidates, each named ``model/runtime``.

        Args:
            first: the candidate; the comparison's ``ratio`` is its p50 divided by the second's.
            second: the reference.
            batch_size: which one; may be left out where only one was measured.
        """
        from inferspeed_magic.diagnosis import compare

        size = self._batch_size((first, second), batch_size)
        return compare(
            self._measurement(first, size),
            self._measurement(second, size),
            candidate_name=first,
            reference_name=second,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save everything, raw latencies included; ``load_report`` reads it back."""
        write(Path(path), to_json(self.record))

    @overload
    def to_html(self) -> str: ...

    @overload
    def to_html(self, path: str | os.PathLike[str]) -> None: ...

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """Make a document that stands alone; with a path, write it there instead of returning it."""
        document = self._document()
        if path is None:
            return document
        write(Path(path), document)
        return None

    def __repr__(self) -> str:
        return self._drawn(words_only=True).text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Give IPython the text, the panel and its picture; each front end takes the best it can show."""
        drawn = self._drawn()
        bundle = {
            "text/plain": drawn.text,
            "text/html": drawn.panel,
            **({"image/png": base64.b64encode(drawn.picture).decode("ascii")} if drawn.picture else {}),
        }
        return {kind: data for kind, data in bundle.items() if _wanted(kind, include, exclude)}

    def _ipython_display_(self) -> None:
        """Show a panel that can be drawn again in place, and the controls that do so, where a kernel serves them."""
        if not in_notebook():
            raise NotImplementedError  # IPython goes on to _repr_mimebundle_
        show(self)

    @property
    def extensible(self) -> bool:
        """Whether ``measure`` can be called: the models are at hand."""
        return self._more is not None

    def left(self) -> tuple[str, ...]:
        """Name the runtimes that are installed and were not asked for."""
        return tuple(name for name in runtime_names() if name not in self.record.request.runtimes)

    def measure(
        self,
        *,
        runtime: str | None = None,
        batch_size: int | None = None,
        model: str | None = None,
        row: tuple[str, int] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Measure one thing more, and put the results beside those that are there.

        Args:
            runtime: every model and batch size on this runtime.
            batch_size: every model on every runtime at this batch size.
            model: a model by its name in the notebook, or the path of a file, on every runtime at every batch size.
            row: one candidate (``model/runtime``) and its batch size, again.
            progress: shows what is being done.

        Raises:
            UserError: for mistakes, in one line that names the mend; and if the models are not at hand.
        """
        if self._more is None:
            raise OptionError("a report that was loaded cannot measure more: the models are not at hand, profile again")
        shown = progress or NoProgress()
        if runtime is not None:
            record = self._more.runtime(self.record, runtime, shown)
        elif batch_size is not None:
            record = self._more.batch_size(self.record, batch_size, shown)
        elif model is not None:
            record = self._more.model(self.record, model, shown)
        elif row is not None:
            record = self._more.again(self.record, *row, shown)
        else:
            raise OptionError("say what to measure: runtime=, batch_size=, model= or row=")
        self.record = record
        self._met += [result.name for result in record.results if result.name not in self._met]
        self.__dict__.pop("_speedups", None)

    def _drawn(self, *, words_only: bool = False) -> Drawn:
        """Draw everything; words alone take a tenth of the time."""
        if words_only:
            view = profile_view(self.record, self._speedups)
            return Drawn(view.title, profile_text(view))
        view = profile_view(self.record, self._speedups, self._met)
        charts = profile_charts(self.record, self._speedups)
        picture = profile_picture(view, charts)
        return Drawn(view.title, profile_text(view), profile_panel(view, charts, picture), picture)

    @cached_property
    def _speedups(self) -> Speedups:
        """Compare all candidates of a batch size with each other, so that a reader can choose the baseline."""
        from inferspeed_magic.diagnosis import speedups

        if is_rate_search(self.record):  # each at a rate of its own
            return {}
        groups: dict[int, list[tuple[str, Measurement]]] = {}
        for one in measured(self.record):
            if one.result.measurement is not None:
                groups.setdefault(one.result.batch_size, []).append((one.result.name, one.result.measurement))
        return {
            (name, other, batch_size): interval
            for batch_size, group in groups.items()
            for (name, _), line in zip(group, speedups([timed for _, timed in group]), strict=True)
            for (other, _), interval in zip(group, line, strict=True)
        }

    def _document(self) -> str:
        drawn = self._drawn()
        made = one_line(f"inferspeed_magic {self.record.version}, {self.record.created}")
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            # Tells the browser to paint its own background dark for readers who prefer that.
            '<meta name="color-scheme" content="light dark">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(drawn.title)}</title>\n</head>\n"
            # Named, so that whatever reads the page (an accessibility checker too) knows what is behind the words.
            '<body style="background:Canvas;color:CanvasText;'
            f'font-family:system-ui,sans-serif;font-size:14px;margin:1.5em">\n{drawn.panel}\n'
            f"<p><small>{escape(made)}</small></p>\n"
            "</body>\n</html>\n"
        )

    def _batch_size(self, names: tuple[str, str], batch_size: int | None) -> int:
        """Find the one batch size that can be meant, or say which there are."""
        sizes = [{result.batch_size for result in self._named(name)} for name in names]
        measured = [{result.batch_size for result in self._named(name) if result.measurement} for name in names]
        if batch_size is not None:
            return batch_size
        # Where nothing was measured for both, any size will do to find out why.
        possible = measured[0] & measured[1] or sizes[0] | sizes[1]
        if len(possible) > 1:
            raise OptionError(f"say which batch size to compare at: batch_size={_listed(sorted(possible), ' or ')}")
        return next(iter(possible))

    def _measurement(self, name: str, batch_size: int) -> Measurement:
        results = {result.batch_size: result for result in self._named(name)}
        if batch_size not in results:
            raise OptionError(f"{name} was not tried at batch size {batch_size!r}; there is {_listed(sorted(results))}")
        result = results[batch_size]
        if result.status != "measured" or result.measurement is None:
            raise OptionError(
                f"{name} was not measured at batch size {batch_size}: {result.status} "
                f"({one_line(result.reason or 'no reason was given')})"
            )
        return result.measurement

    def _named(self, name: str) -> list[Result]:
        found = [result for result in self.results if result.name == name]
        if not found:
            there = _listed(dict.fromkeys(result.name for result in self.results)) or "no results at all"
            raise OptionError(f"the report has no {name!r}; it has {there}")
        return found


def _listed(items: Iterable[object], separator: str = ", ") -> str:
    return separator.join(one_line(str(item)) for item in items)


def write(path: Path, text: str) -> None:
    """Write all or nothing: whoever is killed meanwhile leaves the old file whole."""
    # Beside the file, because only a rename within a file system is atomic.
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise OptionError(f"cannot write {str(path)!r}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _wanted(kind: str, include: Any, exclude: Any) -> bool:
    return (not include or kind in include) and kind not in (exclude or ())
