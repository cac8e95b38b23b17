"""Records of profiles, built by hand."""

from __future__ import annotations

import dataclasses

from inferspeed_magic.records import (
    Block,
    Interval,
    Machine,
    Measurement,
    ProfileRecord,
    Request,
    Result,
    ServerTrial,
    Summary,
)

MACHINE = Machine(
    cpu="Intel Xeon Platinum 8259CL",
    architecture="x86_64",
    cores_given=2,
    cores_total=48,
    memory_mb=16384.0,
    instruction_sets=("AVX2", "FMA", "AVX-512"),
    instruction_sets_missing=("AMX-INT8",),
    cache_kb={"L1d": 32.0, "L2": 1024.0},
    gpus=(),
    operating_system="Debian GNU/Linux 12",
    python="3.11.7",
    virtualized="KVM",
    disturbances=(),
    library_versions={"keras": "3.15.1"},
)
DOUBTFUL = {"stable": False, "warnings": ("latency has two modes: 60% of inferences take 0.7 ms, 40% 1.1 ms",)}
SCRIPT = "<script>alert(1)</script>"


def interval(value, spread=0.02):
    return Interval(value, value * (1 - spread), value * (1 + spread))


def measurement(p50_ms=1.0, count=1000, **changes):
    step = int(p50_ms * 1e4)
    blocks = tuple(
        Block(
            turn,
            0,
            turn * 0.1,
            10 * int(p50_ms * 1e6),
            tuple(int(p50_ms * 1e6) + step * (i % 3 - 1) for i in range(10)),
        )
        for turn in range(count // 10)
    )
    given = {"load_ms": 12.3, "compile_ms": 456.0, "first_inference_ms": 7.89, "peak_memory_mb": 312.5}
    return Measurement(**(given | {"blocks": blocks, "warm_up_ns": (5_000_000, 2_000_000)} | changes))


def result(name="deep/litert", p50_ms=0.0931, speedup=None, *, spread=0.02, trials=(), summary=None, **changes):
    """A measured result; ``summary`` changes fields of the summary, ``changes`` those of the result."""
    model, _, runtime = name.partition("/")
    derived = Summary(
        samples=1000,
        p50_ms=interval(p50_ms, spread),
        p90_ms=p50_ms * 1.2,
        p95_ms=p50_ms * 1.3,
        p99_ms=p50_ms * 1.7,
        throughput_samples_per_s=changes.get("batch_size", 1) * 990 / p50_ms,
        speedup=None if speedup is None else interval(speedup, 0.04),
    )
    given = {
        "batch_size": 1,
        "device": "cpu",
        "threads": 2,
        "status": "measured",
        "route": "Keras -> SavedModel -> file",
        "artifact_mb": 0.134,
        "relative_error": 2.1e-7,
        "measurement": measurement(p50_ms, trials=trials),
        "summary": dataclasses.replace(derived, **(summary or {})),
    }
    return Result(model=model, runtime=runtime, **(given | changes))


def baseline(name="deep/keras.predict", p50_ms=107.0, **changes):
    """The baseline: no file of its own, and too slow for tail percentiles."""
    summary = {"speedup": Interval(1.0, 1.0, 1.0), "verdict": "baseline", "p95_ms": None, "p99_ms": None}
    return result(name, p50_ms, summary=summary, **({"artifact_mb": None, "relative_error": None} | changes))


def failed(
    name="deep/openvino", status="unavailable", reason="openvino is not installed: pip install openvino", **more
):
    model, _, runtime = name.partition("/")
    given = {"batch_size": 1, "device": "cpu", "threads": 2}
    return Result(model=model, runtime=runtime, status=status, reason=reason, **(given | more))


def record(*results, **changes):
    request = Request(
        runtimes=tuple(dict.fromkeys(one.runtime for one in results)) or ("litert",),
        batch_sizes=tuple(dict.fromkeys(one.batch_size for one in results)) or (1,),
    )
    given = {"baseline": "deep/keras.predict", "created": "2026-11-22T04:00:00", "elapsed_s": 31.4, "version": "0.1.0"}
    return ProfileRecord(**({"request": request, "machine": MACHINE, "results": results} | given | changes))


def usual(**changes):
    """What a user sees most often."""
    return record(
        baseline(),
        result("deep/keras.call", 8.2, 13.05),
        result("deep/keras.compiled", 0.79, 135.4, summary=DOUBTFUL),
        result("deep/litert", 0.0931, 1150.0),
        result("deep/onnxruntime", 0.122, 877.0),
        failed(),
        failed("deep/keras.xla", "crashed", "the worker died of SIGSEGV while it compiled"),
        **changes,
    )


def trial(target, achieved=None, *, sustained=None, p99_ms=5.0):
    return ServerTrial(target, achieved or target, (1_000_000, 2_000_000), p99_ms, sustained)
