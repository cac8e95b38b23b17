"""What earlier runs found out: a search that was interrupted, repeated or widened goes on from there.

One file for each model, data, machine and set of options; every entry is added to it as soon as it is known, by writing
a new file and renaming it, so that whoever is killed meanwhile leaves the old one whole. What is damaged is forgotten.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.diagnosis import summarize
from inferspeed_magic.profiling.artifact_cache import cache_folder, versions
from inferspeed_magic.profiling.racing import latency_ns
from inferspeed_magic.records.json_form import result_from_json, result_to_json
from inferspeed_magic.records.measurement import ROUNDS_APART
from inferspeed_magic.sources.fingerprint import of_arrays
from inferspeed_magic.sources.structure import leaves

if TYPE_CHECKING:
    from inferspeed_magic.records import Goal, Machine, Result
    from inferspeed_magic.search.asked import Asked
    from inferspeed_magic.search.data import Samples
    from inferspeed_magic.search.judge import Judge
    from inferspeed_magic.search.trial import Trial
    from inferspeed_magic.sources.source import Source

_MOST_BLOCKS = 12
#: Latencies of different days differ by what the machine did: only what was this many times slower is not tried again.
_CLEARLY_SLOWER = 1.3


class Ledger:
    """Results by name, in a file.

    Args:
        file: where they lie; None to remember nothing.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._entries: dict[str, Any] = {}
        if file is not None:
            with contextlib.suppress(OSError, ValueError):
                digest, _, text = file.read_text(encoding="utf-8").partition("\n")
                if hashlib.sha256(text.encode()).hexdigest() == digest:
                    self._entries = json.loads(text)

    def find(self, name: str) -> Result | None:
        """Return what an earlier run found out about a candidate."""
        with contextlib.suppress(Exception):  # an older version wrote it, or it is damaged
            return result_from_json(self._entries[name])
        return None

    def trained(self, technique: str) -> list[Result]:
        """Return what earlier runs found out about models that were trained by a technique.

        Args:
            technique: what was done first, whatever followed.
        """
        found = [self.find(name) for name in self._entries]
        return [each for each in found if each and each.training and each.technique.partition("+")[0] == technique]

    def note(self, result: Result, when: str) -> None:
        """Keep a result; a ledger that cannot be written is no failure.

        Args:
            result: of one candidate.
            when: local time, in words.
        """
        if self._file is None:
            return
        self._entries[result.name] = result_to_json(_as_of(result, when))
        text = json.dumps(self._entries)
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(prefix=".draft_", dir=self._file.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
                Path(draft).replace(self._file)
            finally:
                Path(draft).unlink(missing_ok=True)


def ledger(
    source: Source, model: str | None, samples: Samples, asked: Asked, *, metric: str, machine: Machine, threads: int
) -> Ledger:
    """Open what is known of a model on this data and machine.

    Args:
        source: of the samples for calibration.
        model: fingerprint of the model; None for one without.
        samples: the data.
        asked: what is looked for; bounds and budget do not matter for what is known.
        metric: that accuracy is measured with.
        machine: that it was measured on.
        threads: for one inference.
    """
    folder = cache_folder()
    # A function's result cannot be told from that of another one of the same name.
    if folder is None or asked.evaluate is not None or not isinstance(asked.metric, str | None) or asked.exhaustive:
        return Ledger(None)
    if model is None:  # it cannot be told from another one
        return Ledger(None)
    request = asked.request
    parts = [
        [model, of_arrays([*samples.inputs, *leaves(samples.labels), *leaves(samples.weights)])],
        [metric, source.calibration_key(), samples.given],
        [request.batch_sizes, request.device, threads, request.seed, asked.goal.target],
        [machine.cpu, machine.cores_given, machine.instruction_sets, versions()],
    ]
    name = hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
    return Ledger(folder / "searches" / f"{name}.json")


def holds(known: Result, leader: Trial | None, judge: Judge, goal: Goal) -> bool:
    """Whether a candidate need not be tried again: it would crash, miss the goal or be slower than the leader again.

    Args:
        known: what an earlier run found out.
        leader: of this run; None without one.
        judge: knows how accurate is accurate enough.
        goal: of this run.
    """
    if known.status == "crashed":
        return "memory" not in (known.reason or "")  # there may be more of it today
    if known.status != "measured" or known.summary is None:
        return False
    same_samples = known.selection is not None and known.selection.samples == judge.samples("selection")
    if known.selection is not None and same_samples and judge.refusal(known.selection) is not None:
        return True
    if leader is None or goal.target in ("size", "memory"):
        return False
    return known.summary.p50_ms.value * 1e6 > _CLEARLY_SLOWER * latency_ns(leader.candidate)


def _as_of(result: Result, when: str) -> Result:
    """Mark a result as one of an earlier run."""
    note = f"measured in an earlier run, {when}"
    timed, summary = result.measurement, result.summary
    if timed is not None:
        blocks = tuple(replace(block, round=block.round + ROUNDS_APART) for block in timed.blocks[-_MOST_BLOCKS:])
        timed = replace(timed, blocks=blocks, warm_up_ns=timed.warm_up_ns[:100])
        summary = summarize(timed, result.batch_size, baseline=None, name=result.name, baseline_name=None)
    return replace(result, measurement=timed, summary=summary, notes=(*result.notes, note))
