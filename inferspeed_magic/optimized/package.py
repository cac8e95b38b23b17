"""Everything that it takes to run an optimized model with its runtime alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from inferspeed_magic.records.signature import TensorSpec
    from inferspeed_magic.runtimes.base import Lowering
    from inferspeed_magic.sources.structure import Template


@dataclass(frozen=True)
class Package:
    """A file that a runtime opens, and how arrays go in and out of it.

    Attributes:
        name: of the candidate, ``model/runtime+technique[variant]``.
        artifact: file or folder, in a folder of its own with whatever belongs to it (weights beside an ONNX file).
        runtime: name of the runtime that opens it.
        lowering: how: device, threads, batch size, precision.
        batch_in_file: ``static`` where the artifact takes batches of ``lowering.batch_size`` only, ``dynamic`` where it
            takes any; None for Keras, which does so, too.
        inputs: names, shapes (without the batch) and dtypes, in flat order.
        input_template: how the inputs are nested.
        output_template: how the outputs are nested.
        route: how the artifact was made, in words.
        settings: that were chosen, by name.
        facts: what was measured, for people to read; plain JSON.
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
