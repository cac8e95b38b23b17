"""What could be tried, in the order in which it promises most, and what is left out for which reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.records import LeftOut, way

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from inferspeed_magic.records import Target
    from inferspeed_magic.search.traits import Traits

#: How much faster than float a technique can be at best: the ratio of the bits, where arithmetic is done in few bits.
#: Four times as many int8 values fit a register or come from memory in the same time.
MOST_GAINED = 4.0
#: Convolutions from this share of the multiply-accumulates on make a model a convolutional one.
_MOSTLY = 0.5
#: How what is left out for latency can be had all the same.
_OTHERWISE = dict.fromkeys(("float16", "int16x8", "weight_only_int8", "weight_only_int4"), ": --for size tries it")
#: In the order in which they usually win; others come behind.
_ORDER = ("none", "post_training_static", "post_training_dynamic", "bfloat16", "smooth_quant", "low_rank", "float16")


@dataclass(frozen=True)
class Idea:
    """One candidate, before anything was made.

    Attributes:
        runtime: its name.
        technique: its name, ``none`` for the model as it is.
        variant: of the technique; empty for the usual settings.
    """

    runtime: str
    technique: str = "none"
    variant: str = ""

    @property
    def way(self) -> str:
        """As in the name of a candidate."""
        return way(self.runtime, self.technique, self.variant)


def ideas(allowed_runtimes: Sequence[str], allowed_techniques: Sequence[str]) -> list[Idea]:
    """List runtimes with techniques, the model as it is on every runtime first."""
    known = techniques()
    rank = {name: place for place, name in enumerate(_ORDER)}
    ordered = sorted(allowed_techniques, key=lambda name: (rank.get(name, len(rank)), name))
    found = []
    for technique in ordered:
        for runtime in _files_first(allowed_runtimes):
            formats = runtimes()[runtime].capabilities().formats
            if technique == "none" or known[technique].step_made(formats) is not None:
                found.append(Idea(runtime, technique))
    return found


def _files_first(names: Iterable[str]) -> list[str]:
    """Put file runtimes before Keras's call paths, which are seldom faster and take long to start."""
    return sorted(names, key=lambda name: (name.startswith("keras"), name != "keras.compiled"))


def sift(
    found: Sequence[Idea], target: Target, traits: Traits, named: Collection[str] = (), *, taught: bool = False
) -> tuple[list[Idea], list[LeftOut], list[str]]:
    """Leave out what cannot pay on this model and machine.

    Args:
        found: what could be tried.
        target: what is looked for.
        traits: of the model and the machine.
        named: techniques and runtimes that the user named: what was asked for is tried.
        taught: whether there is something to train with.

    Returns:
        What is left; what was left out, with a reason; and a warning for each of the traps that were asked for.
    """
    kept: list[Idea] = []
    left_out: dict[str, list[str]] = {}
    doubts: dict[str, list[str]] = {}
    for idea in found:
        reason = next(_against(idea, target, traits), None)
        if idea.technique in named:
            doubt = (
                "what it removes is missed until the model is trained on: give training data (train=, --train) too"
                if _wants_training(idea) and not taught
                else reason
            )
            if doubt is not None:
                doubts.setdefault(doubt, []).append(idea.way)
        elif reason is not None and not (idea.technique == "none" and idea.runtime in named):
            left_out.setdefault(reason + _OTHERWISE.get(idea.technique, ""), []).append(idea.way)
            continue
        kept.append(idea)
    warnings = [f"{', '.join(ways)}: asked for, but {doubt}" for doubt, ways in doubts.items()]
    return kept, [LeftOut(", ".join(ways), reason) for reason, ways in left_out.items()], warnings


def _wants_training(idea: Idea) -> bool:
    return idea.technique != "none" and techniques()[idea.technique].wants_training


def _against(idea: Idea, target: Target, traits: Traits) -> Iterator[str]:
    """List what speaks against an idea."""
    fast = target in ("latency", "throughput")
    if fast and _is_storage_only(idea) and traits.weights_fit_the_cache:
        yield (
            f"it stores weights in fewer bits and computes in float, and {traits.weights_mb:.1f} MB of weights stay in "
            f"the {traits.cache_mb:.0f} MB cache anyway"
        )
    mostly_convolutions = (traits.convolution_share or 0.0) > _MOSTLY
    if fast and idea.technique == "post_training_dynamic" and idea.runtime == "onnxruntime" and mostly_convolutions:
        yield (
            f"{traits.convolution_share:.0%} of the multiply-accumulates are convolutions, which ONNX Runtime's "
            "dynamic int8 computes without its fast kernels"
        )
    if idea.technique == "smooth_quant" and traits.attention is False:
        yield "it is for transformers, and no layer of this model multiplies activations with each other"
    if fast and idea.technique == "int16x8":
        yield "LiteRT computes int16 activations with slow reference kernels"
    if fast and idea.runtime == "keras.call":
        yield "it runs layer by layer what keras.compiled runs as one graph"
    if fast and idea.runtime.startswith("keras") and idea.technique in ("post_training_dynamic", "weight_only_int4"):
        yield "Keras's quantized layers convert activations or weights in separate operators, for every inference"


def _is_storage_only(idea: Idea) -> bool:
    """Whether a technique shrinks the file and leaves the arithmetic as it is."""
    if idea.technique == "none" or techniques()[idea.technique].on_model:
        return False
    made = techniques()[idea.technique].step_made(runtimes()[idea.runtime].capabilities().formats)
    return made is not None and techniques()[idea.technique].steps[made].computes is None


def out_of_reach(idea: Idea, float_ns: float, leader_ns: float, leader_runtime: str = "") -> str | None:
    """Say why a technique cannot win on a runtime that is slow with the model as it is; None where it can.

    Args:
        idea: the technique and the runtime.
        float_ns: latency of the model as it is on this runtime.
        leader_ns: of the fastest candidate so far.
        leader_runtime: what that runs on: whoever leads on the same runtime shows what can be gained there.
    """
    ratio = float_ns / leader_ns
    if idea.technique == "none" or ratio <= MOST_GAINED or idea.runtime == leader_runtime:
        return None
    return (
        f"as it is the model took {ratio:.3g}x as long on {idea.runtime} ({float_ns / 1e6:.3g} ms) as the fastest "
        f"did until then ({leader_ns / 1e6:.3g} ms); no technique is expected to gain more than {MOST_GAINED:.0f}x"
    )
