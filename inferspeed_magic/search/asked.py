"""What the user asked ``optimize`` for; every mistake in it gets its line here, before any long work."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from inferspeed_magic.discovery import runtime_names, techniques
from inferspeed_magic.errors import OptionError
from inferspeed_magic.formats.routes import NATIVE
from inferspeed_magic.profiling import arguments
from inferspeed_magic.records import Goal, Request, Target
from inferspeed_magic.training.soft_targets import TEMPERATURE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Tried without being named where there is something to train with; the second where there is a student.
_TRAINED, _STUDENT = ("structured_pruning",), "distillation"
#: What students may be called: their names are those of folders, and stand in those of candidates.
_NAME = re.compile(r"\w[\w.-]{0,39}")


@dataclass(frozen=True)
class Asked:
    """One call of ``optimize``, checked as far as that goes without looking at model and data.

    Attributes:
        goal: what is looked for.
        request: as of ``profile``: runtimes, techniques, batch size, device, threads, seed.
        data, metric, evaluate, calibration, input_shapes: as the user gave them.
        train, epochs, fine_tune: what may be trained with, as the user gave it.
        students: functions that make smaller models, by name; the name of an only one may be empty.
        named: techniques and runtimes that the user named.
        exhaustive: try everything, and measure everything to the end.
        temperature: by which the teacher's answers are softened.
        features: layers of the teacher, and which layer of a student learns from each.
    """

    goal: Goal
    request: Request
    data: Any = None
    metric: Any = None
    evaluate: Callable[[Callable[[Any], Any]], Any] | None = None
    calibration: Any = None
    input_shapes: Any = None
    train: Any = None
    epochs: int | None = None
    fine_tune: Callable[[Any], Any] | None = None
    students: tuple[tuple[str, Callable[[], Any]], ...] = ()
    named: tuple[str, ...] = ()
    exhaustive: bool = False
    temperature: float = TEMPERATURE
    features: tuple[tuple[str, str], ...] = ()

    @property
    def trains(self) -> bool:
        """Whether anything is trained."""
        return self.train is not None or self.fine_tune is not None

    def original_runtime(self, kind: str) -> str:
        """Name what users of such a model call today: ``predict``, or the runtime that the file is made for."""
        return NATIVE.get(kind, "keras.predict")


def asked(
    *,
    data: Any,
    metric: Any,
    max_accuracy_drop: float,
    target: str,
    batch_size: int,
    device: str,
    threads: int | None,
    budget_s: float,
    names: tuple[Sequence[str] | str | None, Sequence[str] | str | None, Sequence[str] | str],
    bounds_mb: tuple[float | None, float | None],
    evaluate: Any,
    calibration: Any,
    input_shapes: Any,
    seed: int,
    exhaustive: bool = False,
    training: tuple[Any, int | None, Any, Any] = (None, None, None, None),
    distilling: tuple[Any, Any] = (TEMPERATURE, None),
) -> Asked:
    """Check the options, which are those of ``optimize``.

    ``names`` are techniques and runtimes to try (None for all), and those of either to leave out; ``bounds_mb`` are
    those on the file and on the memory of its process; ``training`` is data, epochs, and the functions ``fine_tune``
    and ``student`` (or several of the latter); ``distilling`` is the temperature, and the features to learn.

    Raises:
        OptionError: what is wrong, and how to mend it.
    """
    if target not in get_args(Target):
        raise OptionError(f"unknown target `{target}`: there are {', '.join(get_args(Target))}")
    own_scale = evaluate is not None or callable(metric)
    if not _number(max_accuracy_drop) or not max_accuracy_drop >= 0 or not (max_accuracy_drop < 1 or own_scale):
        raise OptionError(
            f"max_accuracy_drop {max_accuracy_drop!r} makes no sense: it is a share from 0 up to 1, such as 0.01 for 1%"
        )
    if not _number(budget_s) or budget_s <= 0:
        raise OptionError(f"budget {budget_s!r} makes no sense: it is seconds, above 0")
    for label, bound in zip(("max_size_mb", "max_memory_mb"), bounds_mb, strict=True):
        if bound is not None and not (_number(bound) and bound > 0):
            raise OptionError(f"{label} {bound!r} makes no sense: it is a number of MB, above 0")
    if evaluate is not None and not callable(evaluate):
        raise OptionError("evaluate has to be a function that takes predict and returns a score, higher is better")
    if evaluate is not None and metric is not None:
        raise OptionError("give either metric= or evaluate=: evaluate(predict) computes its score by itself")
    students = _students(training[3])
    _check_training(*training[:3], has_student=bool(students))
    temperature, features = _distilling(*distilling, has_student=bool(students))
    wanted, runtimes, left_out = names
    named = (*_listed(wanted), *(arguments.runtime_list(runtimes) if runtimes is not None else ()))
    trained = [] if training[0] is None and training[2] is None else [*_TRAINED, *([_STUDENT] * bool(students))]
    chosen_runtimes, chosen_techniques = _without(
        arguments.runtime_list(runtimes), _technique_names(wanted, trained), _listed(left_out)
    )
    _check_trained(chosen_techniques, trained, has_student=bool(students))
    request = arguments.request(
        runtimes=chosen_runtimes,
        batch_sizes=(batch_size,) if isinstance(batch_size, int | np.integer) else batch_size,
        device=device,
        threads=threads,
        scenario="offline" if target == "throughput" else "single_stream",
        target_qps=None,
        latency_slo_ms=None,
        duration_s=1.0,
        baseline=None,
        seed=seed,
        batch_in_file="best",
        techniques=chosen_techniques,
    )
    if len(request.batch_sizes) > 1:
        raise OptionError("one batch size at a time: the best candidate for one is not the best for another")
    goal = Goal(
        target=target,  # type: ignore[arg-type]  # checked above
        max_accuracy_drop=float(max_accuracy_drop),
        max_size_mb=bounds_mb[0],
        max_memory_mb=bounds_mb[1],
        budget_s=float(budget_s),
    )
    train, epochs, fine_tune, _ = training
    return Asked(
        goal,
        request,
        data,
        metric,
        evaluate,
        calibration,
        input_shapes,
        train,
        None if epochs is None else int(epochs),
        fine_tune,
        students,
        named,
        bool(exhaustive),
        temperature,
        features,
    )


def _distilling(temperature: Any, features: Any, *, has_student: bool) -> tuple[float, tuple[tuple[str, str], ...]]:
    """Check how much answers are softened, and which features are learned.

    Raises:
        OptionError: for what makes no sense.
    """
    if not _number(temperature) or temperature <= 0:
        raise OptionError(f"temperature {temperature!r} makes no sense: it is a number above 0, such as 3")
    if features is None:
        return float(temperature), ()
    if not isinstance(features, Mapping) or not features:
        raise OptionError(
            "features names layers of the teacher, and for each the student's layer that learns from it: "
            "{'conv_5': 'conv_2'}, say"
        )
    if not has_student:
        raise OptionError("features are learned by a student, and there is none: give student=")
    return float(temperature), tuple((str(taught), str(learned)) for taught, learned in features.items())


def _students(given: Any) -> tuple[tuple[str, Callable[[], Any]], ...]:
    """Take a function that makes a smaller model, or several: by name, or in a list, where they are counted.

    Raises:
        OptionError: for anything else.
    """
    if given is None:
        return ()
    if isinstance(given, list | tuple):
        given = {str(place): make for place, make in enumerate(given, 1)}
    if not isinstance(given, Mapping):
        if not callable(given):
            raise OptionError("student has to be a function that takes nothing, or a dictionary of such functions")
        return (("", given),)
    if not given:
        raise OptionError("there is no student among the students: give at least one function that makes a model")
    for name, make in given.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise OptionError(f"{name!r} cannot be the name of a student: give letters, digits, _ and -, such as small")
        if not callable(make):
            raise OptionError(f"the student {name} has to be a function that takes nothing and returns a model")
    if len({name.casefold() for name in given}) < len(given):
        raise OptionError("names of students have to differ by more than capital letters")
    return tuple(given.items())


def _check_training(train: Any, epochs: int | None, fine_tune: Any, *, has_student: bool) -> None:
    if fine_tune is not None and not callable(fine_tune):
        raise OptionError("fine_tune has to be a function that takes the model, and trains it")
    if epochs is not None and (isinstance(epochs, bool) or not isinstance(epochs, int | np.integer) or epochs < 1):
        raise OptionError(f"epochs {epochs!r} makes no sense: it is a whole number from 1 up")
    if epochs is not None and train is None:
        raise OptionError("epochs says how long to train, and there is nothing to train with: give train=(x, y)")
    if has_student and train is None:
        raise OptionError("a student learns from training data: give train=(x, y) too")


def _check_trained(chosen: Sequence[str], trained: Sequence[str], *, has_student: bool) -> None:
    """Make sure that what is trained has all that it needs, and that there is something that is trained.

    Raises:
        OptionError: where not.
    """
    known = [techniques()[name] for name in chosen if name != "none"]
    if trained and not any(technique.wants_training for technique in known):
        raise OptionError(f"there is something to train with, and no technique that trains: name {trained[0]} too")
    lonely = [technique.name for technique in known if technique.wants_student and not has_student]
    if lonely:
        raise OptionError(
            f"{lonely[0]} trains a student, and there is none: define student() in the cell of %%optimize, or give "
            "student= and train="
        )


def _technique_names(wanted: Sequence[str] | str | None, trained: Sequence[str]) -> tuple[str, ...]:
    """Take all where none is named; of those that want training, those that pay where there is something to train with.

    The model as it is belongs to them in any case.
    """
    usual = [name for name, technique in techniques().items() if not technique.wants_training] + list(trained)
    return arguments.technique_list(usual if wanted is None else wanted)


def _without(
    runtimes: tuple[str, ...], names: tuple[str, ...], left_out: list[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Leave out runtimes (``keras`` for all of Keras) and techniques.

    Raises:
        OptionError: for a name that is neither, and where nothing is left.
    """
    known = [*runtime_names(), "keras", *techniques()]
    for name in left_out:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise OptionError(f"cannot leave out `{name}`: {hint}there are {', '.join(known)}")
    kept = tuple(name for name in runtimes if name not in left_out and name.partition(".")[0] not in left_out)
    if not kept:
        raise OptionError(f"no runtime is left: leave out fewer than {', '.join(left_out)}")
    return kept, tuple(name for name in names if name not in left_out)


def _listed(names: Sequence[str] | str | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or ())


def _number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)
