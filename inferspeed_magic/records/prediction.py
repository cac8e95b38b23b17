"""What a technique is expected to bring, before anything is converted."""

from __future__ import annotations

from dataclasses import dataclass

from inferspeed_magic.records.interval import Interval


@dataclass(frozen=True)
class Effect:
    """What a technique changes about an inference, as far as that is known of every model.

    Attributes:
        products: precision that matrix products and convolutions are computed in.
        weight_bits: of each weight that an inference reads; 32 where a runtime unpacks them when it loads the file.
        activation_bits: of each value that layers hand on.
        converts: whether activations are converted for every product, by operators of their own.
        dense_only: whether convolutions stay as they are.
        slow_for: layers that have no fast kernels in this form, by parts of their class names.
        slow: why all of it is slow; empty where it is not.
    """

    products: str = "float32"
    weight_bits: int = 32
    activation_bits: int = 32
    converts: bool = False
    dense_only: bool = False
    slow_for: tuple[str, ...] = ()
    slow: str = ""


@dataclass(frozen=True)
class Prediction:
    """Expected and measured gain of one candidate over the model as it is on the same runtime.

    Attributes:
        name: of the candidate, ``model/runtime+technique``.
        reason: why, in a few words.
        expected: latency before over latency after, between its pessimistic and its optimistic end; None for a
            candidate that is expected to be slower, by a factor that nothing foretells.
        measured: the same, measured, with its 95% interval; None where it was not measured.
    """

    name: str
    reason: str
    expected: Interval | None = None
    measured: Interval | None = None
