"""Measure more after a profile has ended: only what is new, and put it beside what is there."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import ModelError, OptionError, UserError
from inferspeed_magic.profiling import arguments
from inferspeed_magic.profiling.conclusions import compared
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.profiling.run import Run
from inferspeed_magic.records.measurement import ROUNDS_APART

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inferspeed_magic.panel.progress import Progress
    from inferspeed_magic.records import ProfileRecord, Request, Result

_running = Lock()


@contextmanager
def alone() -> Iterator[None]:
    """Be the only one in this process who measures.

    Raises:
        UserError: if somebody else does.
    """
    if not _running.acquire(blocking=False):
        raise UserError("another profile is running in this process, and they would disturb each other: wait for it")
    try:
        yield
    finally:
        _running.release()


@dataclass
class More:
    """What a profile was made from, so that it can go on; it keeps the models alive as long as the report lives.

    Attributes:
        models: what was handed in, by name.
        inputs: given by the user, or None.
        input_shapes: given by the user, or None.
    """

    models: dict[str, Any]
    inputs: Any = None
    input_shapes: Any = None

    def __post_init__(self) -> None:
        self._by_model = isinstance(self.inputs, Mapping) and set(self.inputs) == set(self.models)

    def runtime(self, record: ProfileRecord, name: str, progress: Progress) -> ProfileRecord:
        """Measure every model and batch size on one more runtime."""
        return self._measured(
            record, self.models, arguments.runtime_list([name]), record.request.batch_sizes, progress=progress
        )

    def batch_size(self, record: ProfileRecord, size: int, progress: Progress) -> ProfileRecord:
        """Measure every model on every runtime at one more batch size."""
        sizes = arguments.batch_size_list(size)
        return self._measured(record, self.models, record.request.runtimes, sizes, progress=progress)

    def model(self, record: ProfileRecord, name: str, progress: Progress) -> ProfileRecord:
        """Measure one more model of the notebook, or a file, on every runtime at every batch size."""
        found = _model(name)
        if set(found) & set(self.models):
            raise ModelError(f"{next(iter(found))} is there already: measure its rows again, or give it another name")
        more = self._measured(record, found, record.request.runtimes, record.request.batch_sizes, progress=progress)
        self.models |= found
        return more

    def again(self, record: ProfileRecord, name: str, batch_size: int, progress: Progress) -> ProfileRecord:
        """Measure one candidate again."""
        model, _, way = name.rpartition("/")
        runtime, _, technique = way.partition("+")
        there = any((result.name, result.batch_size) == (name, batch_size) for result in record.results)
        if model not in self.models or not there:
            raise OptionError(f"{name} at batch {batch_size} cannot be measured again: the report has no such row")
        return self._measured(
            record,
            {model: self.models[model]},
            (runtime,),
            (batch_size,),
            progress=progress,
            techniques=(technique or "none",),
        )

    def _measured(
        self,
        record: ProfileRecord,
        models: Mapping[str, Any],
        runtimes: tuple[str, ...],
        batch_sizes: tuple[int, ...],
        *,
        progress: Progress,
        techniques: tuple[str, ...] = (),
    ) -> ProfileRecord:
        asked = replace(
            record.request,
            runtimes=runtimes,
            batch_sizes=batch_sizes,
            techniques=techniques or record.request.techniques,
            baseline=None,
        )
        run = Run(asked, LIMITS, progress)
        # An interrupt goes through: half an addition could not be told from a whole one later.
        with alone():
            new = run.run(models, self._inputs(models), self.input_shapes)
        return merged(record, new)

    def _inputs(self, models: Mapping[str, Any]) -> Any:
        """Leave out inputs of models that take no part; a new model makes up its own where there are none for it."""
        if not self._by_model:
            return self.inputs
        given = {name: self.inputs[name] for name in models if name in self.inputs}
        return given if len(given) == len(models) else None


def merged(old: ProfileRecord, new: ProfileRecord) -> ProfileRecord:
    """Put the results of a later run beside those of an earlier one; where both have a result, the later one counts."""
    began = dt.datetime.fromisoformat(new.created)
    later_s = (began - dt.datetime.fromisoformat(old.created)).total_seconds()
    rounds = 1 + max((block.round for result in old.results for block in _blocks(result)), default=0)
    apart = -(-rounds // ROUNDS_APART) * ROUNDS_APART
    note = f"measured later than other rows, at {began:%H:%M}: what the machine did in between is in no interval"
    results = {_key(result): result for result in old.results}
    for result in new.results:
        if result.measurement is not None or _key(result) not in results:
            results[_key(result)] = _moved(result, later_s, apart, note)
    request = _united(old.request, new.request)
    baseline = old.baseline or new.baseline
    return replace(
        old,
        request=request,
        results=compared(_ordered(results, request), baseline),
        baseline=baseline,
        elapsed_s=old.elapsed_s + new.elapsed_s,
        notes=tuple(dict.fromkeys((*old.notes, *new.notes))),
    )


def _united(old: Request, new: Request) -> Request:
    return replace(
        old,
        runtimes=tuple(dict.fromkeys((*old.runtimes, *new.runtimes))),
        batch_sizes=tuple(sorted({*old.batch_sizes, *new.batch_sizes})),
    )


def _ordered(results: Mapping[tuple[str, str, int], Result], request: Request) -> Sequence[Result]:
    models = list(dict.fromkeys(result.model for result in results.values()))
    return sorted(
        results.values(),
        key=lambda one: (
            models.index(one.model),
            one.batch_size,
            request.runtimes.index(one.runtime),
            one.technique != "none",
        ),
    )


def _moved(result: Result, later_s: float, apart: int, note: str) -> Result:
    """Tell the blocks of the later run from those of the earlier one."""
    timed = result.measurement
    if timed is None:
        return result
    blocks = tuple(replace(block, round=block.round + apart, start_s=block.start_s + later_s) for block in timed.blocks)
    return replace(result, measurement=replace(timed, blocks=blocks), notes=(*result.notes, note))


def _blocks(result: Result) -> Sequence[Any]:
    return result.measurement.blocks if result.measurement else ()


def _key(result: Result) -> tuple[str, str, int]:
    return result.model, result.way, result.batch_size


def _model(name: str) -> dict[str, Any]:
    """Find a model by the name it has in the notebook; anything else is a path."""
    name = name.strip()
    if not name:
        raise ModelError("say which model: its name in the notebook, or the path of a file")
    known = vars(sys.modules["__main__"])
    return {name: known[name]} if name in known else arguments.named(name)
