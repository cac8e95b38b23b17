"""Quantize as many layers as the outputs bear, and leave the others in float: NNCF's accuracy control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Batches. Ranking compiles the model once for each layer, and every layer that returns to float is another round.
_COMPARED = 32
_RANKED_BY = 5
_MOST_RETURNED = 5


def controlled(model: Any, feeds: list[dict[str, np.ndarray[Any, Any]]], ignored: Any, most_percent: int) -> Any:
    """Quantize, and return layer by layer to float until the outputs are close enough to the model's own.

    There are no labels here: what counts is the root mean square of the outputs' deviation, relative to their own, on
    some of the samples that the ranges were found with. At most five layers return to float.

    Args:
        model: of OpenVINO.
        feeds: samples.
        ignored: what stays in float anyway.
        most_percent: deviation that is allowed.
    """
    import nncf
    import openvino

    asked = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    compared = feeds[:_COMPARED]
    expected = [[asked(feed)[port].copy() for port in asked.outputs] for feed in compared]

    def agreement(compiled: Any, numbers: Iterable[int]) -> tuple[float, list[float]]:
        each = []
        for number in numbers:
            answers = compiled(compared[number])
            mine = [answers[port] for port in compiled.outputs]
            each.append(1 - max(map(relative_rms, mine, expected[number])))
        return float(np.mean(each)), each

    # Its ranking does not know the weights of embeddings; they take no time anyway.
    ignored.types = [*ignored.types, "Gather"]
    return nncf.quantize_with_accuracy_control(
        model,
        nncf.Dataset(feeds),
        nncf.Dataset(range(len(compared))),
        agreement,
        max_drop=most_percent / 100,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(feeds),
        ignored_scope=ignored,
        advanced_accuracy_restorer_parameters=nncf.AdvancedAccuracyRestorerParameters(
            ranking_subset_size=min(_RANKED_BY, len(compared)), max_num_iterations=_MOST_RETURNED, num_ranking_workers=1
        ),
    )


def relative_rms(mine: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> float:
    """Return the root mean square of a deviation, relative to that of what was expected; infinite for no numbers."""
    expected = theirs.astype(np.float64)
    deviation = mine.astype(np.float64) - expected
    error = np.sqrt(np.mean(deviation**2)) / max(float(np.sqrt(np.mean(expected**2))), np.finfo(np.float32).tiny)
    return float(error) if np.isfinite(error) else float("inf")
