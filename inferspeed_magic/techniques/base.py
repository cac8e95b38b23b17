"""What a technique is: the one contract that every file in this folder fulfils."""

from __future__ import annotations

import importlib.util
from abc import ABC
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

from inferspeed_magic.errors import OptionError
from inferspeed_magic.formats.routes import Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inferspeed_magic.formats.routes import Route
    from inferspeed_magic.records import Effect

Needs = Literal["nothing", "calibration"]
Settings = dict[str, str | bool | int]

#: The format of a Keras model in the folder that other processes read: what techniques that change layers write.
ON_MODEL = "keras"
_NO_VARIANTS: Mapping[str, Settings] = MappingProxyType({})
_FILES = {"onnx": "an ONNX file", "litert": "a LiteRT file", "saved_model": "a SavedModel"}


@dataclass(frozen=True)
class Subject:
    """What a technique is to be applied to, as far as it has to know.

    Attributes:
        runtime: name of the runtime that is to run it.
        precision: of the model's arithmetic.
        instruction_sets: of the machine.
        kind: what was handed in: ``keras``, ``tf_keras``, ``saved_model``, ``onnx`` or ``litert``.
        taught: whether there is something to train with.
        samples: how many there are to learn from; none where the user's own function brings them.
    """

    runtime: str
    precision: str = "float32"
    instruction_sets: tuple[str, ...] = ()
    kind: str = "keras"
    taught: bool = False
    samples: int = 0


class Technique(ABC):
    """A way to change a model or an artifact. Stateless; the functions its steps name work in a worker process."""

    #: As in ``--technique``.
    name: ClassVar[str]
    #: One line for tables and manuals.
    summary: ClassVar[str]
    #: One sentence for people: where it usually pays.
    pays: ClassVar[str]
    #: What it has to be given beside the model.
    needs: ClassVar[Needs] = "nothing"
    #: For each artifact format, the step that makes it: from a SavedModel for ``litert``, else from the same format.
    #: The one for ``keras`` makes a changed Keras model of a Keras model.
    steps: ClassVar[Mapping[str, Step]]
    #: Whether it changes the Keras model before anything is converted, and so fits every runtime.
    on_model: ClassVar[bool] = False
    #: Whether what it makes loses accuracy that only training brings back.
    wants_training: ClassVar[bool] = False
    #: Whether it needs a smaller model of the user's.
    wants_student: ClassVar[bool] = False
    #: Whether it trains a model of tf_keras, which a function of the user's that trains models of Keras 3 cannot.
    trains_in_tf_keras: ClassVar[bool] = False
    #: Modules that a format's step imports beside what the package stands on, and how to get them.
    extras: ClassVar[Mapping[str, tuple[str, str]]] = {}
    #: What it changes about an inference, by key of ``steps``; nothing where that depends on the weights.
    effects: ClassVar[Mapping[str, Effect]] = {}
    #: Formats that it is deliberately not done for, and why.
    left_out: ClassVar[Mapping[str, str]] = {}

    def step_made(self, formats: Sequence[str]) -> str | None:
        """Choose the step for a runtime.

        Args:
            formats: that the runtime opens, best first.

        Returns:
            A key of ``steps``; None where there is no step for this runtime.
        """
        if self.on_model:
            return ON_MODEL
        return next((each for each in formats if each in self.steps), None)

    def applies_to(self, subject: Subject, made: str) -> str | None:
        """Say why not, or None where there is nothing against it.

        Args:
            subject: the model and the machine.
            made: the key of the step, as ``step_made`` chose it; or a format that the runtime opens.
        """
        if made not in self.steps:
            return self.left_out.get(made, f"{self.name} is not done for {subject.runtime}")
        if subject.precision != "float32":
            return f"the model computes in {subject.precision} already"
        if made == subject.kind == "litert":
            return "TFLiteConverter quantizes while it converts, and this file is converted already"
        if made == ON_MODEL and subject.kind in _FILES:
            return f"{self.name} changes the layers of a Keras model, and this is {_FILES[subject.kind]}"
        module, command = self.extras.get(made, ("", ""))
        if module and importlib.util.find_spec(module) is None:
            return f"{module} is not installed: {command}"
        return None

    def step_for(self, subject: Subject, made: str, variant: str = "") -> Step:
        """Give the step that makes an artifact of a format, set for the model and the machine.

        Args:
            subject: the model and the machine.
            made: a key of ``steps``.
            variant: one of ``variants``; nothing for the default.

        Raises:
            OptionError: for a variant that there is not.
        """
        step = self.steps[made]
        settings = {**dict(step.settings), **self.settings(subject, made)}
        if variant:
            known = self.variants(subject, made)
            if variant not in known:
                there_is = f"there is {', '.join(known)}" if known else "there is none"
                raise OptionError(f"unknown variant `{variant}` of {self.name} on {subject.runtime}: {there_is}")
            settings |= known[variant]
        words = f"{step.words}, {variant}" if variant else step.words
        taught = subject.taught and self.wants_training
        return replace(step, words=words, trained=taught, settings=tuple(sorted(settings.items())))

    def settings(self, subject: Subject, made: str) -> Settings:
        """Choose what depends on the model or the machine; nothing, unless a technique says otherwise."""
        del subject, made
        return {}

    def variants(self, subject: Subject, made: str) -> Mapping[str, Settings]:
        """Name the other settings of a step that win somewhere: a short word for each, without the default.

        Args:
            subject: the model and the machine.
            made: a key of ``steps``.
        """
        del subject, made
        return _NO_VARIANTS


def changed(route: Route, step: Step) -> Route:
    """Lead a route through a technique's step.

    A Keras model is changed before anything else, and a step that reads the model itself is all of its route. LiteRT's
    converter quantizes while it converts, so its step takes the place of the route's last one. Other files are changed
    when they are made.
    """
    if step.from_model:
        return (step,)
    if step.makes == ON_MODEL:
        return (step, *route)
    return (*route[:-1], step) if step.makes == "litert" else (*route, step)


def saturates(subject: Subject) -> bool:
    """Tell whether products of int8 overflow: CPUs without VNNI add pairs of them in 16 bits, so 7 bits must do.

    See https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html, "When and why do I need to try
    U8U8?".
    """
    sets = set(subject.instruction_sets)
    return "AVX2" in sets and not sets & {"AVX-512 VNNI", "AVX-VNNI"}


def step(
    call: str,
    makes: str,
    words: str,
    *,
    calibrated: bool = False,
    from_model: bool = False,
    computes: str | None = None,
    **settings: str | bool | int,
) -> Step:
    """Name a step of a technique: ``module:function`` within this folder, its format, and its words for the report."""
    return Step(
        f"inferspeed_magic.techniques.{call}",
        makes,
        static=makes != ON_MODEL,
        words=words,
        computes=computes,
        calibrated=calibrated,
        from_model=from_model,
        settings=tuple(sorted(settings.items())),
    )
