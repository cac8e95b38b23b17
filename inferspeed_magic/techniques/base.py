"""What a technique is: the one contract that every file in this folder fulfils."""

from __future__ import annotations

import importlib.util
from abc import ABC
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from inferspeed_magic.formats.routes import Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inferspeed_magic.formats.routes import Route

Needs = Literal["nothing", "calibration"]


@dataclass(frozen=True)
class Subject:
    """What a technique is to be applied to, as far as it has to know.

    Attributes:
        runtime: name of the runtime that is to run it.
        precision: of the model's arithmetic.
        instruction_sets: of the machine.
        recurrent: whether the model has recurrent layers.
    """

    runtime: str
    precision: str = "float32"
    instruction_sets: tuple[str, ...] = ()
    recurrent: bool = False


class Technique(ABC):
    """A way to change an artifact. Stateless; the work is done by the functions its steps name, in a worker process."""

    #: As in ``--technique``.
    name: ClassVar[str]
    #: One line for tables and manuals.
    summary: ClassVar[str]
    #: What it has to be given beside the model.
    needs: ClassVar[Needs] = "nothing"
    #: For each artifact format, the step that makes it: from a SavedModel for ``litert``, else from the same format.
    steps: ClassVar[Mapping[str, Step]]
    #: Modules that a format's step imports beside what the package stands on, and how to get them.
    extras: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def applies_to(self, subject: Subject, made: str) -> str | None:
        """Say why not, or None where there is nothing against it.

        Args:
            subject: the model and the machine.
            made: the artifact format that the runtime opens.
        """
        if made not in self.steps:
            return f"{self.name} is not done for {subject.runtime}"
        if subject.precision != "float32":
            return f"the model computes in {subject.precision} already"
        module, command = self.extras.get(made, ("", ""))
        if module and importlib.util.find_spec(module) is None:
            return f"{module} is not installed: {command}"
        return None

    def step_for(self, subject: Subject, made: str) -> Step:
        """Give the step that makes an artifact of a format, set for the model and the machine."""
        step = self.steps[made]
        settings = {**dict(step.settings), **self.settings(subject, made)}
        return replace(step, settings=tuple(sorted(settings.items())))

    def settings(self, subject: Subject, made: str) -> dict[str, str | bool | int]:
        """Choose what depends on the model or the machine; nothing, unless a technique says otherwise."""
        del subject, made
        return {}


def changed(route: Route, step: Step) -> Route:
    """Lead a route to the changed artifact.

    LiteRT's converter quantizes while it converts, so its step takes the place of the route's last one.
    """
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
    computes: str | None = None,
    **settings: str | bool | int,
) -> Step:
    """Name a step of a technique: ``module:function`` within this folder, its format, and its words for the report."""
    return Step(
        f"inferspeed_magic.techniques.{call}",
        makes,
        static=True,
        words=words,
        computes=computes,
        calibrated=calibrated,
        settings=tuple(sorted(settings.items())),
    )
