"""Read a portable model in a worker and run it, so that the parent can see whether it is still the same model."""

from __future__ import annotations

from typing import Any

import numpy as np


def outputs_of_rebuilt(state: dict[str, Any], *, source: str, inputs: list[str], outputs: str) -> dict[str, Any]:
    """Run the model once; write its outputs to ``{outputs}_{position}.npy``."""
    from inferspeed_magic.sources.portable import read

    model = state.setdefault("models", {})[source] = read(source)
    arrays = [np.load(path, allow_pickle=False) for path in inputs]
    results = model.to_numpy(model.call(model.pack(arrays)))
    for position, array in enumerate(results):
        np.save(f"{outputs}_{position}.npy", array, allow_pickle=False)
    return {"outputs": len(results)}
