"""Explanations of made-up models: what a rule may conclude from depends on nothing but these numbers."""

from __future__ import annotations

from typing import Any

from inferspeed_magic.records import (
    CallPath,
    Ceilings,
    Counterfactual,
    DispatchCost,
    ExplanationRecord,
    Interval,
    LayerCount,
    LayerTime,
    Machine,
    Measurement,
    ModelCount,
    ProfileRecord,
    Request,
    Result,
    Summary,
)

RUNTIMES = ("keras.predict", "onnxruntime")


def machine(**changes: Any) -> Machine:
    given: dict[str, Any] = {
        "cpu": "a processor",
        "architecture": "x86_64",
        "cores_given": 2,
        "cores_total": 2,
        "memory_mb": 8192.0,
        "instruction_sets": ("AVX2", "AVX-512 VNNI"),
        "instruction_sets_missing": (),
        "cache_kb": {"L1d": 32.0, "L2": 1024.0, "L3": 32768.0},
        "gpus": (),
        "operating_system": "Linux",
        "python": "3.11",
        "virtualized": None,
        "disturbances": (),
    }
    return Machine(**(given | changes))


def interval(value: float, spread: float = 0.02) -> Interval:
    return Interval(value, value * (1 - spread), value * (1 + spread))


def result(model: str, runtime: str, p50_ms: float, **changes: Any) -> Result:
    summary = Summary(
        samples=100,
        p50_ms=interval(p50_ms),
        p90_ms=None,
        p95_ms=None,
        p99_ms=None,
        throughput_samples_per_s=1e3 / p50_ms,
    )
    given: dict[str, Any] = {
        "model": model,
        "runtime": runtime,
        "batch_size": 1,
        "device": "cpu",
        "threads": 2,
        "precision": "float32",
        "status": "measured",
        "measurement": Measurement(0.0, 0.0, 0.0),
        "summary": summary,
    }
    return Result(**(given | changes))


def layer(name: str, kind: str = "Dense", **counts: Any) -> LayerCount:
    given: dict[str, Any] = {
        "params": 0,
        "macs": 0,
        "flops": 2 * counts.get("macs", 0),
        "weight_bytes": 4 * counts.get("params", 0),
        "bytes_read": 4 * counts.get("params", 0) + 1000,
        "bytes_written": 1000,
        "kernels": 1,
    }
    return LayerCount(layer=name, kind=kind, **(given | counts))


def time(model: str, name: str, time_us: float, **changes: Any) -> LayerTime:
    return LayerTime(model, name, "onnxruntime", time_us, 0.95 * time_us, 1.05 * time_us, **changes)


def count(model: str, *layers: LayerCount) -> ModelCount:
    return ModelCount(model, 1, layers)


def path(model: str, way: str, latency_ms: float, call_ms: float) -> CallPath:
    parts = (("dispatch", call_ms), ("compute", latency_ms - call_ms))
    return CallPath(model, way, interval(latency_ms), parts, interval(call_ms))


def counterfactual(model: str, what: str, before_ms: float, after_ms: float, spread: float = 0.02) -> Counterfactual:
    ratio = interval(after_ms / before_ms, spread)
    return Counterfactual(model, "onnxruntime", what, what, interval(before_ms), interval(after_ms), ratio)


CEILINGS = Ceilings(
    threads=2, gflop_per_s={"float32": 200.0, "int8": 800.0}, dispatch=(DispatchCost("onnxruntime", 0.5, 5.0),)
)


def explanation(*results: Result, **found: Any) -> ExplanationRecord:
    made_of = found.pop("machine", machine())
    profile = ProfileRecord(
        request=Request(runtimes=RUNTIMES), machine=made_of, results=results, baseline=None, created="", elapsed_s=1.0
    )
    return ExplanationRecord(**({"profile": profile, "counts": (), "ceilings": CEILINGS} | found))
