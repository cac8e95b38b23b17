"""Records with latencies as a machine has them, for charts; summarized as a run would, so that intervals fit them."""

from __future__ import annotations

import numpy as np
import profile_records

from inferspeed_magic.diagnosis import summarize
from inferspeed_magic.records import Block, Measurement, Result

LATENCIES_MS = {
    "keras.predict": 50.0,
    "keras.call": 8.0,
    "keras.compiled": 0.8,
    "keras.xla": 0.7,
    "litert": 0.08,
    "onnxruntime": 0.11,
    "openvino": 0.14,
}


def timed(p50_ms, *, seed=0, spread=0.08, rounds=40):
    """A measurement whose latencies vary, drift slowly, and were slower while it warmed up."""
    draw = np.random.default_rng(seed)
    count = int(np.clip(25 / p50_ms, 3, 300))
    blocks = []
    for turn in range(rounds):
        drift = 1 + 0.02 * np.sin(turn / 5)
        latencies = tuple(int(each * drift) for each in draw.lognormal(np.log(p50_ms * 1e6), spread, count))
        blocks.append(Block(turn, turn % 2, 0.2 * turn + 0.1 * draw.random(), int(1.01 * sum(latencies)), latencies))
    return Measurement(
        load_ms=float(draw.lognormal(3.0, 0.7)),
        compile_ms=float(draw.lognormal(4.0, 1.0)),
        first_inference_ms=float(p50_ms * draw.lognormal(1.5, 0.5)),
        warm_up_ns=tuple(int(p50_ms * 1e6 * (1 + 3 * np.exp(-step / 4))) for step in range(30)),
        warm_up_detected=8,
        blocks=tuple(blocks),
        peak_memory_mb=float(draw.lognormal(6.0, 0.4)),
    )


def realistic(models=("small", "big"), runtimes=tuple(LATENCIES_MS), batch_sizes=(1,), extra=(), **changes):
    """A record of every model on every runtime at every batch size; the later the model, the slower."""
    results, baselines = [], {}
    for number, model in enumerate(models):
        for batch_size in batch_sizes:
            for runtime in runtimes:
                base = LATENCIES_MS[runtime]
                heavier = 1 + (1.5 if base < 5 else 0.02) * number
                p50_ms = base * heavier * (1 + (0.12 if base < 5 else 0.01) * (batch_size - 1))
                name, measured = f"{model}/{runtime}", timed(p50_ms, seed=len(results))
                baseline = baselines.setdefault(batch_size, (name, measured))
                from_file = not runtime.startswith("keras")
                results.append(
                    Result(
                        model=model,
                        runtime=runtime,
                        batch_size=batch_size,
                        device="cpu",
                        threads=2,
                        status="measured",
                        artifact_mb=0.13 * (1 + number) + base / 100 if from_file else None,
                        relative_error=2.3e-7,
                        batch_in_file="static" if from_file else None,
                        measurement=measured,
                        summary=summarize(
                            measured, batch_size, baseline=baseline[1], name=name, baseline_name=baseline[0]
                        ),
                    )
                )
    return profile_records.record(*results, *extra, **({"baseline": results[0].name} | changes))


def twenty():
    """Twenty candidates and two that could not be measured."""
    return realistic(
        models=("small", "big"),
        runtimes=("keras.predict", "keras.call", "keras.compiled", "litert", "onnxruntime"),
        batch_sizes=(1, 32),
        extra=(
            profile_records.failed("small/tvm", reason="tvm is not installed: pip install apache-tvm"),
            profile_records.failed("small/keras.xla", "crashed", "the worker died of SIGSEGV while it compiled"),
        ),
    )
