"""What ``explain`` hands back: reasons, the layers, and a way to try what is advised."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from inferspeed_magic.diagnosis.gain import Gain
from inferspeed_magic.errors import OptionError
from inferspeed_magic.panel import explain_charts, explain_panel, explain_picture, explain_text, explain_view
from inferspeed_magic.panel.explain_controls import show_explained
from inferspeed_magic.panel.explain_frame import layers_frame
from inferspeed_magic.panel.progress import CellProgress, NoProgress, in_notebook
from inferspeed_magic.records.json_form import to_json
from inferspeed_magic.report.netron import require, served
from inferspeed_magic.report.profile import Drawn, Report, write

if TYPE_CHECKING:
    import os

    import pandas as pd

    from inferspeed_magic.explanation.verification import Verifier
    from inferspeed_magic.panel.progress import Progress
    from inferspeed_magic.records import Evidence, ExplanationRecord, FindingRecord
    from inferspeed_magic.search.keeping import Shelf


class Finding:
    """One reason why a model takes the time that it takes.

    Args:
        report: that it belongs to.
        place: in the report's findings.
    """

    def __init__(self, report: ExplainReport, place: int) -> None:
        self._report = report
        self._place = place

    @property
    def record(self) -> FindingRecord:
        """The finding as plain data."""
        return self._report.explanation.findings[self._place]

    @property
    def cause(self) -> str:
        """A slug: ``call_overhead``, ``memory_bound`` ..."""
        return self.record.cause

    @property
    def model(self) -> str:
        """Name of the model that it is about."""
        return self.record.model

    @property
    def sentence(self) -> str:
        """What was found."""
        return self.record.sentence

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Numbers that it rests on."""
        return self.record.evidence

    @property
    def confidence(self) -> float:
        """How sure it is, 0-1."""
        return self.record.confidence

    @property
    def advice(self) -> str:
        """What to do."""
        return self.record.advice

    @property
    def expected_gain(self) -> Gain | None:
        """Latency before over latency after, if the advice is followed; None where nothing is promised."""
        return None if self.record.expected_gain is None else Gain(self.record.expected_gain)

    @property
    def measured_gain(self) -> Gain | None:
        """The same as ``verify`` measured it; None before that."""
        return None if self.record.measured_gain is None else Gain(self.record.measured_gain)

    def verify(self, *, progress: bool = True) -> Gain:
        """Follow the advice and measure what it brings, beside the model as it was.

        Args:
            progress: show what is being done.

        Returns:
            Latency before over latency after, with its interval; the report shows it beside the expected gain.

        Raises:
            OptionError: where the advice is to change the model, and in reports that were loaded.
        """
        return self._report.verify(self._place, progress=progress)

    def __repr__(self) -> str:
        return f"{self.cause}: {self.sentence}"


class ExplainReport(Report):
    """The outcome of one ``explain``.

    Args:
        explanation: what was counted, measured and found.
        verifier: tries what is advised; None for a report that was loaded.
    """

    def __init__(self, explanation: ExplanationRecord, verifier: Verifier | None = None) -> None:
        super().__init__(explanation.profile)
        self.explanation = explanation
        self._verifier = verifier
        self._files: dict[str, Path] = {}
        self._shelf: Shelf | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Reasons, those that explain most time first."""
        return tuple(Finding(self, place) for place in range(len(self.explanation.findings)))

    @property
    def layers(self) -> pd.DataFrame:
        """One row for each layer of each model: what it has to do, and what it takes."""
        return layers_frame(self.explanation)

    def verify(self, place: int, *, progress: bool | Progress = True) -> Gain:
        """Try what a finding advises; see ``Finding.verify``. ``progress`` may be where to show what is being done."""
        finding = self.explanation.findings[place]
        if self._verifier is None:
            raise OptionError("a report that was loaded holds no models: explain them again to verify its findings")
        usual = CellProgress() if progress else NoProgress()
        shown = usual if isinstance(progress, bool) else progress
        shown.start(100)
        try:
            gain = self._verifier.gain(self.explanation, finding, shown)
        finally:
            shown.finish()
        findings = list(self.explanation.findings)
        findings[place] = replace(finding, measured_gain=gain)
        self.explanation = replace(self.explanation, findings=tuple(findings))
        return Gain(gain)

    @property
    def artifacts(self) -> tuple[str, ...]:
        """Names of the files that ``netron`` can open, those that were looked into first; none in a loaded report."""
        if self._verifier is None:
            return ()
        from inferspeed_magic.explanation.exporting import exportable

        return tuple(exportable(self.explanation))

    def netron(self, name: str | None = None, *, browse: bool = True, progress: bool | Progress = True) -> str:
        """Show the graph that a runtime opened, in Netron (``pip install "inferspeed-magic[netron]"``).

        Args:
            name: one of ``artifacts``, ``model/runtime`` or ``model/runtime+technique``; or a model, for the runtime
                that was looked into. None takes the first.
            browse: open a browser, if this machine has a screen.
            progress: show what is being done: the file is made anew, or comes from the cache. Or where to show it.

        Returns:
            The address that it is served at, for browsers on this machine, until this process ends.

        Raises:
            OptionError: for a name that is none of these, and in reports that were loaded.
            UserError: where Netron is not installed, or the file cannot be made any more.
        """
        chosen = self._artifact(name)
        require()
        if chosen not in self._files:
            self._files[chosen] = self._export(chosen, progress)
        return served(self._files[chosen], self._shelf, browse=browse)

    def _artifact(self, name: str | None) -> str:
        if self._verifier is None:
            raise OptionError(
                "a report that was loaded holds no models: explain them again to open their files in Netron"
            )
        offered = self.artifacts
        if not offered:
            raise OptionError('no runtime opened a file here: explain with runtimes="onnxruntime", for one')
        chosen = next((each for each in offered if name in (None, each, each.rpartition("/")[0])), None)
        if chosen is None:
            raise OptionError(f"`{name}` is no file of this report; it has {', '.join(offered)}")
        return chosen

    def _export(self, name: str, progress: bool | Progress) -> Path:  # noqa: FBT001  (as it was handed in)
        from inferspeed_magic.explanation.exporting import export
        from inferspeed_magic.search.keeping import Shelf

        assert self._verifier is not None  # noqa: S101  (who asks has seen names)
        if self._shelf is None:
            self._shelf = Shelf()
        usual = CellProgress() if progress else NoProgress()
        shown = usual if isinstance(progress, bool) else progress
        shown.start(100)
        try:
            return export(self._verifier, self.explanation, name, self._shelf.keep, shown)
        finally:
            shown.finish()

    def measure(self, **_: object) -> None:
        """Refuse: rows of a profile are no part of an explanation.

        Raises:
            OptionError: always.
        """
        raise OptionError("explain again with other options, or profile the models to measure more of them")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save everything but the models; ``load_report`` reads it back."""
        write(Path(path), to_json(self.explanation))

    def _ipython_display_(self) -> None:
        """Show a panel that can be drawn again in place, and below it what can be verified, in a kernel."""
        if not in_notebook():
            raise NotImplementedError  # IPython goes on to _repr_mimebundle_
        show_explained(self, able=self._verifier is not None)

    def _drawn(self, *, words_only: bool = False) -> Drawn:
        """Draw everything; words alone take a fraction of the time."""
        view = explain_view(self.explanation)
        if words_only:
            return Drawn(view.title, explain_text(view))
        charts = explain_charts(self.explanation)
        picture = explain_picture(view, charts)
        return Drawn(view.title, explain_text(view), explain_panel(view, charts, picture), picture)
