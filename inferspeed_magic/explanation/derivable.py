"""Which other models are worth making of one that was measured, for counterfactuals."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.explanation.layers import root_of, timed_layers
from inferspeed_magic.explanation.narrower import ROOM
from inferspeed_magic.explanation.slowest import slowest
from inferspeed_magic.explanation.without_layers import SEPARATOR
from inferspeed_magic.formats.routes import Step
from inferspeed_magic.pruning.tracing import is_graph
from inferspeed_magic.sources.rebuild import weights_share

if TYPE_CHECKING:
    from concurrent.futures import Future

    from inferspeed_magic.explanation.lineup import Lineup
    from inferspeed_magic.explanation.outcome import Gathered
    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.records import Machine
    from inferspeed_magic.sources.source import Source

SLOWEST, FITTING, SUBNORMAL = "without_slowest_layer", "weights_fit_cache", "no_subnormals"
_HERE = "inferspeed_magic.explanation"


@dataclass
class Derived:
    """A model that was made from another one, and that other one, in turns.

    Attributes:
        model: name of the other one.
        what: the circumstance, as a slug.
        detail: what was changed, in words.
        before: the model as it is: a second series of measurements in the process that it is open in.
        after: what was made of it.
        taken_share: of an inference, what the profile says of the layers that were taken out, 0-1.
    """

    model: str
    what: str
    detail: str
    before: Candidate
    after: Candidate
    taken_share: float | None = None


class Derivable:
    """Looks at what was gathered, model by model.

    Args:
        lineup: the models, measured as they are.
        gathered: what is known of them.
        machine: that this is.
    """

    def __init__(self, lineup: Lineup, gathered: Gathered, machine: Machine) -> None:
        self._lineup = lineup
        self._gathered = gathered
        self._machine = machine
        self._before: dict[str, Candidate] = {}

    def sources(self) -> list[Source]:
        """List the live models of Keras that were measured, and that other processes can have."""
        return [source for source in self._lineup.sources if self._can_be_changed(source)]

    def without_slowest(self, source: Source) -> list[Derived]:
        """Leave out the layer that takes longest; nothing where no layer has a time.

        Raises:
            UnsupportedError: where what takes longest is no layer of the model's graph.
        """
        usual, count = self._usual(source), self._gathered.counts.get(source.name)
        seen = next((seen for candidate, seen in self._gathered.profiles if candidate is usual), None)
        if usual is None or seen is None or count is None or not self._is_graph(source):
            return []
        times, _ = timed_layers(seen, count, None, usual.precision, root_of(usual))
        found = slowest(times, usual.source.model, sys.modules["keras"])
        if found is None:
            return []
        step = _step("without_layers:take_out", "slowest layer taken out", layers=SEPARATOR.join(found.paths))
        # Within the profile: a busy machine may have been another one when the model was measured.
        plain_us = float(np.median(seen.plain_latencies_ns)) / 1e3 if seen.plain_latencies_ns else 0.0
        share = found.time_us / plain_us if plain_us > 0 else None
        return [self._derived(source, SLOWEST, found.detail, step, share)]

    def without_subnormals(self, source: Source) -> list[Derived]:
        """Set subnormal weights to zero; nothing where there are none."""
        facts = next((each for each in self._gathered.weights if each.model == source.name), None)
        if facts is None or not facts.subnormal_share > 0:
            return []
        # It may be the activations that are subnormal.
        share = weights_share(self._lineup.lab.part(source).model)
        if not share > 0:
            return []
        step = _step("subnormal_weights:flush", "subnormal weights set to zero")
        return [self._derived(source, SUBNORMAL, f"its subnormal weights ({_percent(share)} of all) set to zero", step)]

    def caches(self, source: Source) -> dict[str, float]:
        """Give the caches, in bytes by level, that a model's weights do not fit, where they exceed a core's L2."""
        count = self._gathered.counts.get(source.name)
        known = self._machine.cache_kb
        sizes = {level: known[level] * 1024 for level in ("L2", "L3") if level in known}
        if count is None or self._lineup.request.device != "cpu" or not self._is_graph(source):
            return {}
        if count.weight_bytes <= sizes.get("L2", float("inf")):
            return {}
        return {level: size for level, size in sizes.items() if count.weight_bytes > ROOM * size}

    def look(self, source: Source, caches: dict[str, float]) -> Future[Any]:
        """Begin to find out how narrow a model has to be to fit one of its caches."""
        arguments = {"batch_size": self._lineup.request.batch_sizes[0], "caches": caches}
        lab = self._lineup.lab
        return lab.converter.look(f"{_HERE}.narrower:fit", lab.part(source), arguments, in_kernel=False)

    def narrower(self, source: Source, found: dict[str, Any]) -> Derived:
        """Make layers as narrow as was found to be needed."""
        count = self._gathered.counts[source.name]
        where = "the L2 cache of a core" if found["level"] == "L2" else f"the {found['level']} cache"
        detail = (
            f"narrower layers, so that the weights ({found['weight_bytes'] / 1e6:.3g} MB in place of "
            f"{count.weight_bytes / 1e6:.3g} MB) fit {where}: {_percent(found['params'] / max(1, count.params))} of "
            f"the weights and {_percent(found['flops'] / max(1, count.flops))} of the FLOPs are left"
        )
        settings = {name: found[name] for name in ("multiple_of", "sparsity_percent")}
        return self._derived(source, FITTING, detail, _step("narrower:narrow", "narrower layers", **settings))

    def _can_be_changed(self, source: Source) -> bool:
        part, usual = self._lineup.lab.part(source), self._usual(source)
        at_hand = part.kind in ("keras", "tf_keras") and part.model is not None and part.stays_live is None
        return at_hand and usual is not None and usual.well and usual.measurement() is not None

    def _is_graph(self, source: Source) -> bool:
        part = self._lineup.lab.part(source)
        return part.kind == "keras" and is_graph(part.model, sys.modules["keras"])

    def _usual(self, source: Source) -> Candidate | None:
        circumstance = self._lineup.as_is()
        return None if circumstance is None else self._lineup.lab.candidate(source, circumstance)

    def _derived(self, source: Source, what: str, detail: str, step: Step, taken_share: float | None = None) -> Derived:
        usual, circumstance = self._usual(source), self._lineup.as_is()
        assert usual is not None  # noqa: S101  (see _can_be_changed)
        assert circumstance is not None  # noqa: S101
        # What is measured now belongs to this round; the model's own result stays that of the first one.
        again = replace(usual, processes=list(usual.processes), blocks=[], trials=[], notes=[], turns=0)
        before = self._before.setdefault(source.key, again)
        after = self._lineup.lab.candidate(source, replace(circumstance, technique=what, step=step))
        return Derived(source.name, what, detail, before, after, taken_share)


def _step(call: str, words: str, **settings: str | bool | int) -> Step:
    return Step(f"{_HERE}.{call}", "keras", static=False, words=words, settings=tuple(sorted(settings.items())))


def _percent(share: float) -> str:
    """Write a share, a small one with two digits."""
    return f"{share:.0%}" if share >= 0.1 else f"{100 * share:.2g}%"  # noqa: PLR2004
