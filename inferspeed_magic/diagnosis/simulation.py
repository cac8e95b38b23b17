"""Measurements of a machine that is made up: its p50 is known, so that claims about intervals can be checked.

No clock is read: the same arguments always give the same measurement. Tests and benchmarks share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from inferspeed_magic.records.measurement import Block, Measurement

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MEDIAN_DRAWS: Final = 200_001
_PAUSE_S: Final = 0.05


@dataclass(frozen=True)
class Noise:
    """What disturbs the latencies. Standard deviations are of the logarithm: 0.03 is 3%.

    Attributes:
        sample_sd: lognormal noise of single inferences.
        tail_share: share of inferences that are disturbed (scheduler, interrupts).
        tail_alpha: shape of the Pareto law of their slow-down factor; 1.5 has a mean and no variance.
        second_mode_share: share of inferences in a second, slower mode.
        second_mode_factor: how much slower the second mode is.
        block_sd: noise that all inferences of a block share, and other blocks and candidates do not.
        machine_sd: speed of the machine from round to round, shared by all candidates of a run: a stationary AR(1).
        machine_rho: its autocorrelation from one round to the next.
        drift: relative change of the machine's speed from the first round to the last, centred.
        process_sd: what a process keeps for its life (memory layout, placement of threads).
    """

    sample_sd: float = 0.03
    tail_share: float = 0.0
    tail_alpha: float = 1.5
    second_mode_share: float = 0.0
    second_mode_factor: float = 1.0
    block_sd: float = 0.0
    machine_sd: float = 0.0
    machine_rho: float = 0.0
    drift: float = 0.0
    process_sd: float = 0.0


SCENARIOS: Final[dict[str, Noise]] = {
    "quiet": Noise(sample_sd=0.01),
    "lognormal": Noise(sample_sd=0.05),
    "pareto_5": Noise(tail_share=0.05),
    "pareto_10": Noise(sample_sd=0.05, tail_share=0.10, tail_alpha=1.1),
    "bimodal": Noise(sample_sd=0.02, second_mode_share=0.3, second_mode_factor=1.25),
    "moderate": Noise(tail_share=0.03, block_sd=0.02, machine_sd=0.02, machine_rho=0.5, process_sd=0.005),
    "rough_blocks": Noise(tail_share=0.03, block_sd=0.03, process_sd=0.005),
    "ar_3": Noise(machine_sd=0.03, machine_rho=0.3),
    "ar_5": Noise(machine_sd=0.03, machine_rho=0.5),
    "ar_7": Noise(machine_sd=0.03, machine_rho=0.7),
    "linear_drift": Noise(drift=0.10),
    "process_05": Noise(block_sd=0.01, process_sd=0.005),
    "process_1": Noise(block_sd=0.01, process_sd=0.01),
    "process_2": Noise(block_sd=0.01, process_sd=0.02),
    "everything": Noise(
        sample_sd=0.04, tail_share=0.05, block_sd=0.01, machine_sd=0.03, machine_rho=0.5, drift=0.03, process_sd=0.007
    ),
}
"""Named noise models, from a quiet machine to everything at once."""


def simulate(  # noqa: PLR0917 - a simulation has knobs; all but two have the usual value
    scenario: str | Noise,
    rounds: int = 20,
    per_block: int = 30,
    true_p50_ms: float = 1.0,
    processes: int = 1,
    seed: int = 0,
    *,
    machine_seed: int | None = None,
) -> Measurement:
    """Make up a measurement whose true p50 is ``true_p50_ms``.

    Args:
        scenario: a name in ``SCENARIOS``, or a noise model.
        rounds: number of rounds, each with one block; processes take turns from round to round.
        per_block: inferences in a block.
        true_p50_ms: median latency in an average process, in an average state of the machine.
        processes: number of processes.
        seed: of the candidate's own noise.
        machine_seed: of the machine's speed by round; candidates of the same run share it. None: the machine's
            speed is drawn anew for this candidate, as if it had been measured on another day.
    """
    noise = SCENARIOS[scenario] if isinstance(scenario, str) else scenario
    rng = np.random.default_rng([1, seed])
    machine_rng = np.random.default_rng([2, seed] if machine_seed is None else [3, machine_seed])
    log_p50 = np.log(true_p50_ms * 1e6) - _log_median(noise)
    level = _machine_speed(noise, rounds, machine_rng) + rng.normal(0.0, 1.0, rounds) * noise.block_sd
    process_effect = rng.normal(0.0, 1.0, processes) * noise.process_sd
    blocks: list[Block] = []
    start_s = 0.0
    for index in range(rounds):
        process = index % processes
        log_latencies = log_p50 + level[index] + process_effect[process] + _samples(noise, per_block, rng)
        latencies_ns = tuple(np.maximum(1, np.rint(np.exp(log_latencies))).astype(np.int64).tolist())
        wall_ns = sum(latencies_ns)
        blocks.append(Block(index, process, start_s, wall_ns, latencies_ns))
        start_s += wall_ns / 1e9 + _PAUSE_S
    return Measurement(load_ms=1.0, compile_ms=1.0, first_inference_ms=10.0 * true_p50_ms, blocks=tuple(blocks))


def _machine_speed(noise: Noise, rounds: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Log slow-down of the machine in each round."""
    shocks = rng.normal(0.0, 1.0, rounds)
    speed = np.empty(rounds)
    innovation = np.sqrt(1.0 - noise.machine_rho**2)
    state = 0.0
    for index, shock in enumerate(shocks):
        # The first state comes from the stationary law: a run does not start at the mean.
        state = shock if index == 0 else noise.machine_rho * state + innovation * shock
        speed[index] = state
    return speed * noise.machine_sd + np.linspace(-0.5, 0.5, rounds) * noise.drift


def _samples(noise: Noise, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Log slow-down of single inferences."""
    logs = rng.normal(0.0, 1.0, count) * noise.sample_sd
    logs += np.log(noise.second_mode_factor) * (rng.random(count) < noise.second_mode_share)
    logs += np.log1p(rng.pareto(noise.tail_alpha, count)) * (rng.random(count) < noise.tail_share)
    return logs


@lru_cache(maxsize=64)
def _log_median(noise: Noise) -> float:
    """Median of ``_samples``: outliers and modes lie on one side, so it is not 0."""
    return float(np.median(_samples(noise, _MEDIAN_DRAWS, np.random.default_rng(0))))
