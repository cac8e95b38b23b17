"""Everything that it takes to run an optimized model with its runtime alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from inferspeed_magic.records.signature import TensorSpec
    from inferspeed_magic.runtimes.base import Lowering
    from inferspeed_magic.sources.structure import Template

#: Runtimes that make their session for ``lowering.batch_size``, whatever batch the artifact takes.
_COMPILE_FOR_ONE_BATCH = {"litert", "keras.compiled", "keras.xla"}


@dataclass(frozen=True)
class Package:
    """A file that a runtime opens, and how arrays go in and out of it.

    Attributes:
        name: of the candidate, ``model/runtime+technique[variant]``.
        artifact: a file, in a folder of its own with whatever belongs to it (weights beside an ONNX file), or a folder
            with everything in it; ``live:KEY`` for a Keras model of this process that has no file.
        runtime: name of the runtime that opens it.
        lowering: how: device, threads, batch size, precision, options.
        batch_in_file: ``static`` where the artifact takes batches of ``lowering.batch_size`` only (so do Keras models
            that are built for one batch size), ``dynamic`` where it takes any; None for Keras, which does so, too.
        inputs: names, shapes (without the batch) and dtypes, in flat order: of the whole model, also where only the
            part after its preprocessing layers is in the artifact.
        input_template: how the inputs are nested.
        output_template: how the outputs are nested.
        route: how the artifact was made, in words.
        settings: that were chosen, by name.
        facts: what was measured, for people to read; plain JSON. Shown where they are there: ``p50_ms``, ``speedup``,
            ``metric`` (its name), ``accuracy`` and ``accuracy_drop``.
    """

    name: str
    artifact: Path
    runtime: str
    lowering: Lowering
    batch_in_file: str | None
    inputs: tuple[TensorSpec, ...]
    input_template: Template
    output_template: Template
    route: str
    settings: tuple[tuple[str, str], ...]
    facts: dict[str, Any]

    @property
    def fixed_batch(self) -> int | None:
        """Number of samples that every inference takes; None where it takes any number."""
        fixed = self.batch_in_file == "static" or self.runtime in _COMPILE_FOR_ONE_BATCH
        return self.lowering.batch_size if fixed else None

    @property
    def is_live(self) -> bool:
        """Whether the model lives in this process only."""
        return str(self.artifact).startswith("live:")

    def files(self) -> dict[str, Path]:
        """Map the path of each file that belongs to the artifact, as seen from the artifact's folder, to the file.

        Raises:
            ModelError: if the artifact is not there any longer.
        """
        if self.is_live:
            return {}
        if not self.artifact.exists():
            raise ModelError(
                f"the files of `{self.name}` are gone ({self.artifact.parent}): load a folder that it was saved to, "
                "or optimize again"
            )
        root = self.artifact if self.artifact.is_dir() else self.artifact.parent
        found = sorted(each for each in root.rglob("*") if each.is_file())
        return {each.relative_to(self.artifact.parent).as_posix(): each for each in found}

    def size_mb(self) -> float:
        """Size of these files in MB (10^6 bytes); 0 for a model that has none.

        Raises:
            ModelError: if the artifact is not there any longer.
        """
        return sum(each.stat().st_size for each in self.files().values()) / 1e6
