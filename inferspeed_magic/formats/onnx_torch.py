"""Keras model on the PyTorch backend to ONNX, with PyTorch's exporter: for layers that only exist there."""

from __future__ import annotations

from typing import Any

import numpy as np

from inferspeed_magic.formats.naming import input_name, output_name
from inferspeed_magic.formats.tracing import model_of

_OPSET = 17


def export(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Run the model once and write down what PyTorch did.

    Args:
        state: of a converter process on the PyTorch backend; keeps the model that was read.
        source: folder of a portable model.
        target: file to write.
        batch_size: to run with.
        inputs: names, shapes and dtypes of the inputs.
    """
    import torch

    model = model_of(state, source)
    draw = np.random.default_rng(0)
    samples = [
        torch.as_tensor(draw.integers(0, 2, (batch_size or 1, *spec["shape"])).astype(spec["dtype"])) for spec in inputs
    ]

    class Flat(torch.nn.Module):  # type: ignore[misc]  # PyTorch need not be installed where types are checked
        def __init__(self) -> None:
            super().__init__()
            self.inner = model.model

        def forward(self, *flat: Any) -> tuple[Any, ...]:
            return tuple(model.flatten(model.call(model.pack(flat))))

    flat = Flat().eval()
    with torch.no_grad():
        count = len(flat(*samples))
        torch.onnx.export(
            flat,
            tuple(samples),
            target,
            input_names=[input_name(position, spec["name"]) for position, spec in enumerate(inputs)],
            output_names=[output_name(position) for position in range(count)],
            opset_version=_OPSET,
            dynamo=False,  # the other exporter needs a package more
        )
