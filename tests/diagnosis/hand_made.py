"""Measurements written by hand."""

from collections.abc import Sequence

from inferspeed_magic.records.measurement import Block, Measurement


def measured(blocks: Sequence[Sequence[float]], processes: Sequence[int] = (0,), rounds: Sequence[int] = ()):
    """One block for each list of latencies in milliseconds; processes take turns."""
    made = []
    start_s = 0.0
    for index, latencies_ms in enumerate(blocks):
        latencies_ns = tuple(round(latency * 1e6) for latency in latencies_ms)
        number = rounds[index] if rounds else index
        made.append(Block(number, processes[index % len(processes)], start_s, sum(latencies_ns), latencies_ns))
        start_s += sum(latencies_ms) / 1e3 + 0.01
    return Measurement(load_ms=0.0, compile_ms=0.0, first_inference_ms=0.0, blocks=tuple(made))
