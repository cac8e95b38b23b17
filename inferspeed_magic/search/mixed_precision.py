"""Leave the layers in float that quantization hurts most, where int8 throughout costs too much accuracy.

Layers are ranked by what their quantization alone changes, per microsecond that it could gain; as many as it takes are
left in float: 1, 2, 4 ... After the sensitivity analysis of HAWQ (Dong et al. 2019) in its simplest form: measured, not
derived from curvatures.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import WorkerError
from inferspeed_magic.profiling.racing import is_slower, latency_ns
from inferspeed_magic.records import LayerSensitivity
from inferspeed_magic.search.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inferspeed_magic.search.contest import Contest

#: How many layers stay in float, one attempt after the other.
_KEPT = (1, 2, 4, 8)
_TECHNIQUE = "post_training_static"
#: Runtimes whose quantizers take a list of layers to leave alone.
_RUNTIMES = ("onnxruntime", "openvino")
_SENSITIVITY = "inferspeed_magic.techniques.sensitivity:onnx"


def worth_mixing(contest: Contest) -> list[Trial]:
    """List int8 candidates that are too inaccurate, and not slower than the leader; the fastest first."""
    leader = contest.leader()
    found = [
        trial
        for trial in contest.trials
        if trial.idea.technique == _TECHNIQUE
        and trial.idea.runtime in _RUNTIMES
        and not trial.idea.variant
        and trial.seen is not None
        and (trial.remembered or trial).rejected is not None
        and not _slower(trial, leader)
    ]
    return sorted(found, key=lambda trial: trial.seen_ns)


def sensitivity(contest: Contest, trial: Trial, limit_s: float) -> list[LayerSensitivity]:
    """Measure what each layer's quantization costs; none where that cannot be done.

    Args:
        contest: in which the float model was tried on ONNX Runtime.
        trial: that is too inaccurate.
        limit_s: time.
    """
    plain = next(
        (
            each.candidate
            for each in contest.trials
            if each.idea.runtime == "onnxruntime" and each.idea.technique == "none" and each.candidate.artifact
        ),
        None,
    )
    if plain is None or plain.artifact is None:
        return []
    settings = dict(trial.candidate.changed_by.settings) if trial.candidate.changed_by else {}
    arguments = {
        "source": plain.artifact.path,
        "batch_size": None if plain.dynamic else plain.lowering.batch_size,
        "layers": _layer_names(trial.candidate.source.model),
        "reduce_range": bool(settings.get("reduce_range", False)),
        "limit_s": limit_s,
    }
    try:
        found = contest.converter.inquire(_SENSITIVITY, trial.candidate.source, arguments)
    except WorkerError:
        return []
    total = sum(each["macs"] for each in found) or 1
    float_us = latency_ns(plain) / 1e3
    layers = [LayerSensitivity(each["layer"], each["error"], float_us * each["macs"] / total) for each in found]
    return sorted(layers, key=_loss_per_gain, reverse=True)


def mixed(trial: Trial, layers: Sequence[LayerSensitivity]) -> Iterator[tuple[Trial, int]]:
    """Make candidates that leave more and more layers in float, and say how many."""
    step = trial.candidate.changed_by
    for count in _KEPT:
        if step is None or count >= len(layers):
            return
        words = f"{count} layer{'s' * (count > 1)} in float"
        exclude = "\n".join(layer.layer for layer in layers[:count])
        settings = tuple(sorted({**dict(step.settings), "exclude": exclude}.items()))
        candidate = trial.candidate.anew(
            changed_by=replace(step, settings=settings, words=f"{step.words}, {words}"), variant=words
        )
        yield Trial(replace(trial.idea, variant=words), candidate), count


def _slower(trial: Trial, leader: Trial | None) -> bool:
    if leader is None:
        return False
    if trial.remembered is not None:
        return trial.seen_ns > latency_ns(leader.candidate)
    return not trial.candidate.blocks or is_slower(trial.candidate, leader.candidate)


def _loss_per_gain(layer: LayerSensitivity) -> float:
    return layer.error / max(layer.gained_us or 0.0, 1e-3)


def _layer_names(model: Any) -> list[str]:
    """List the names of layers, those inside layers too, as the operators of a file carry them."""
    flatten = getattr(model, "_flatten_layers", None)
    try:
        return [str(layer.name) for layer in flatten(include_self=False)] if flatten else []
    except Exception:  # noqa: BLE001  (whatever a user's model makes of it: scopes count as layers then)
        return []
