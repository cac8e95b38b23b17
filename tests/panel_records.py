"""Records with latencies as a machine has them, for charts; summarized as a run would, so that intervals fit them."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import profile_records

from inferspeed_magic.diagnosis import summarize
from inferspeed_magic.records import (
    Accuracy,
    Block,
    DataSplit,
    Epoch,
    Goal,
    Interval,
    LayerSensitivity,
    LeftOut,
    Measurement,
    Metric,
    OptimizationRecord,
    PathStep,
    Result,
)

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


# ---------------------------------------------------------------- optimize

METRIC = Metric("accuracy")


def accuracy(drop=0.0, *, original=0.974, samples=2000, half=0.004, relative=False, higher=True):
    """A score that is ``drop`` worse than the original's; ``half`` is half of its interval, None for no interval."""
    worse = drop * original if relative else drop
    low, high = (drop - half, drop + half) if half is not None else (float("nan"), float("nan"))
    return Accuracy(original - worse if higher else original + worse, original, Interval(drop, low, high), samples)


@functools.cache
def summarized(p50_ms, seed, rounds, original_ms):
    """A measurement and what follows from it; the same for every record, because it takes its time."""
    measured, before = timed(p50_ms, seed=seed, rounds=rounds), timed(original_ms, seed=99, rounds=rounds)
    return measured, summarize(measured, 1, baseline=before, name="candidate", baseline_name="digits/keras.predict")


def tried(way, p50_ms, *, file_mb=0.5, memory_mb=300.0, seed=0, original_ms=110.0, rounds=40, score=None, **changes):
    """A candidate of the model ``digits`` that was measured: ``runtime+technique[variant]``."""
    runtime, _, done = way.partition("+")
    technique, _, variant = done.rstrip("]").partition("[")
    measured, summary = summarized(p50_ms, seed, rounds, original_ms)
    return Result(
        model="digits",
        runtime=runtime,
        technique=technique or "none",
        variant=variant,
        precision="int8" if "int8" in way else "float32",
        batch_size=1,
        device="cpu",
        threads=2,
        status="measured",
        artifact_mb=file_mb,
        relative_error=2.3e-7,
        measurement=dataclasses.replace(measured, peak_memory_mb=memory_mb),
        summary=summary,
        selection=score,
        **changes,
    )


LOST = "its accuracy drops by 2.9 percentage points (2.1 to 3.7), more than the 1 percentage point allowed"
CANDIDATES = (
    ("keras.predict", 110.0, {"file_mb": None, "memory_mb": 820.0, "score": accuracy(half=0.0014)}),
    ("keras.compiled", 0.8, {"file_mb": None, "memory_mb": 830.0, "score": accuracy(half=0.0014)}),
    ("litert", 0.093, {"file_mb": 2.17, "memory_mb": 96.0, "score": accuracy(half=0.0014)}),
    ("onnxruntime", 0.122, {"file_mb": 2.18, "memory_mb": 118.0, "score": accuracy(half=0.0014)}),
    ("openvino", 0.28, {"file_mb": 2.2, "memory_mb": 190.0, "score": accuracy(half=0.0014)}),
    ("litert+float16", 0.095, {"file_mb": 1.09, "memory_mb": 97.0, "score": accuracy(0.0)}),
    ("litert+dynamic_int8", 0.071, {"file_mb": 0.56, "memory_mb": 93.0, "score": accuracy(0.0015)}),
    ("litert+static_int8", 0.062, {"file_mb": 0.57, "memory_mb": 92.0, "score": accuracy(0.005, half=0.003)}),
    ("litert+static_int8[entropy]", 0.0615, {"file_mb": 0.57, "memory_mb": 92.0, "score": accuracy(0.029)}),
    ("onnxruntime+static_int8[percentile]", 0.058, {"file_mb": 0.58, "memory_mb": 121.0, "score": accuracy(0.034)}),
    ("onnxruntime+dynamic_int8", 0.67, {"file_mb": 0.58, "memory_mb": 120.0}),
    ("openvino+weights_int4", 0.26, {"file_mb": 0.34, "memory_mb": 188.0, "score": accuracy(0.31, half=0.02)}),
)


def verified(score):
    """What the held-out samples say of a winner: about the same, a little more exactly."""
    drop, half = 0.9 * score.drop.value, 0.45 * (score.drop.high - score.drop.low)
    value = score.original + 0.9 * (score.value - score.original)
    return dataclasses.replace(score, value=value, drop=Interval(drop, drop - half, drop + half), samples=3000)


def optimized(*extra, candidates=CANDIDATES, **changes):
    """What a user of ``optimize`` sees most often: a winner, a front, and some that lose too much."""
    results = []
    for place, (way, p50_ms, given) in enumerate(candidates):
        score = given.get("score")
        more = {}
        if score is None:
            more["rejected"] = "slower than the leader by more than 5x, so its accuracy was not looked at"
        elif score.drop.value > changes.get("goal", Goal()).max_accuracy_drop:
            more["rejected"] = LOST
        if way == "litert+static_int8" and score is not None:
            more["held_out"] = verified(score)
        results.append(tried(way, p50_ms, seed=place, **(more | given)))
    measured = profile_records.record(*results, *extra, baseline="digits/keras.predict")
    by_way = {one.way: one for one in results}

    def step(way, words, gain=None):
        one = by_way[way]
        return PathStep(one.name, words, one.summary.p50_ms, gain, one.selection)

    path = ()
    if {"keras.predict", "litert", "litert+static_int8"} <= set(by_way):
        path = (
            step("keras.predict", "the model as it is, through keras.predict"),
            step("litert", "litert in place of keras.predict", profile_records.interval(1180.0, 0.01)),
            step("litert+static_int8", "weights and activations in int8", profile_records.interval(1.5, 0.01)),
        )
    given = {
        "goal": Goal(),
        "metric": METRIC,
        "split": DataSplit(calibration=200, selection=2000, held_out=3000, resolution=0.003),
        "original": "digits/keras.predict",
        "best": "digits/litert+static_int8",
        "pareto": tuple(f"digits/{way}" for way in FRONT if way in by_way),
        "path": path,
        "left_out": (
            LeftOut("litert+int16x8", "AVX2 has no products of 16 and 8 bits: it cannot gain here"),
            LeftOut("onnxruntime+smooth_quant, openvino+smooth_quant", "the model has no transformer blocks"),
        ),
        "sensitivity": (
            LayerSensitivity("digits/conv2d", 0.081, 12.0, kept_in_float=True),
            LayerSensitivity("digits/dense_1", 0.012, 3.1),
            LayerSensitivity("digits/conv2d_1", 0.0041, 22.0),
        ),
    }
    return OptimizationRecord(profile=changes.pop("profile", measured), **(given | changes))


FRONT = ("onnxruntime+static_int8[percentile]", "litert+static_int8[entropy]", "litert+static_int8")
FRONT += ("litert+dynamic_int8", "litert")
FAILED = (
    profile_records.failed("digits/litert+static_int8[reduced]", "crashed", "the converter died of SIGSEGV"),
    profile_records.failed("digits/tvm", reason="tvm is not installed: pip install apache-tvm"),
)


def without_winner():
    """Everything loses more than a very strict goal allows, and the original is too large."""
    none = optimized()
    reasons = {"digits/keras.predict": "its process takes 820 MB, more than the 90 MB allowed"}
    results = tuple(
        dataclasses.replace(
            one,
            held_out=None,
            rejected=reasons.get(one.name) or one.rejected or "its process takes 92 MB, more than the 90 MB allowed",
        )
        for one in none.profile.results
    )
    return dataclasses.replace(
        none,
        goal=Goal(max_memory_mb=90.0),
        best=None,
        path=(),
        profile=dataclasses.replace(none.profile, results=results),
    )


def unlabelled():
    """No labels: agreement with the original, which is not accuracy."""
    scores = {
        "keras.predict": accuracy(0.0, original=1.0, samples=500, half=0.0),
        "litert": accuracy(0.0, original=1.0, samples=500, half=0.0028),
        "litert+static_int8": accuracy(0.012, original=1.0, samples=500, half=0.008),
    }
    chosen = tuple((way, p50, given | {"score": scores[way]}) for way, p50, given in CANDIDATES if way in scores)
    metric = Metric("top-1 agreement", labelled=False)
    goal, split = Goal(max_accuracy_drop=0.02), DataSplit(calibration=50, selection=500, held_out=500, given=False)
    return optimized(candidates=chosen, metric=metric, goal=goal, split=split)


def losses():
    """A loss that has no natural scale, lower is better: drops are shares of the original's."""
    given = {"original": 0.0412, "relative": True, "higher": False}
    scores = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0001, 0.002, 0.007, 0.31, 0.04, None, 2.0)
    chosen = tuple(
        (way, p50, more | {"score": None if drop is None else accuracy(drop, half=0.004, **given)})
        for (way, p50, more), drop in zip(CANDIDATES, scores, strict=True)
    )
    return optimized(candidates=chosen, metric=Metric("mean_squared_error", higher_is_better=False, relative=True))


def single_numbers():
    """A function of the user's own: scores without intervals and without samples."""
    chosen = tuple(
        (way, p50, given | {"score": score and accuracy(score.drop.value, half=None, samples=0)})
        for way, p50, given in CANDIDATES
        for score in [given.get("score")]
    )
    made = optimized(candidates=chosen, metric=Metric("evaluate(predict)"), split=DataSplit())
    results = tuple(dataclasses.replace(one, held_out=None) for one in made.profile.results)
    return dataclasses.replace(made, profile=dataclasses.replace(made.profile, results=results))


def forty():
    """Forty candidates, some with long names, some without a score."""
    draw = np.random.default_rng(7)
    more = tuple(
        (
            f"{runtime}+{technique}[{variant}]",
            float(draw.lognormal(-1.8, 0.7)),
            {
                "file_mb": float(draw.uniform(0.3, 2.5)),
                "memory_mb": float(draw.uniform(80, 240)),
                "score": accuracy(float(draw.exponential(0.004))) if draw.random() < 0.8 else None,
            },
        )
        for runtime in ("litert", "onnxruntime", "openvino")
        for technique in ("static_int8", "smooth_quant_int8", "svd_low_rank")
        for variant in ("entropy, per channel, 2 sensitive layers in float", "1 thread", "minmax")
    )
    there = (*CANDIDATES, *more, ("keras.xla", 0.7, {"score": accuracy()}))
    front, lowest = [], float("inf")
    for way, _, given in sorted(there, key=lambda each: each[1]):
        score = given.get("score")
        if score is not None and score.drop.value < lowest:
            lowest = score.drop.value
            front.append((f"digits/{way}", score.drop.value))
    best = next(name for name, drop in front if drop <= Goal().max_accuracy_drop)
    return optimized(candidates=there, best=best, path=(), pareto=tuple(name for name, _ in front))


def learned(count=8, *, start=1.2, end=0.31, right=(0.62, 0.931), stages=1):
    """The epochs of a training that gets better, and a little worse in its last epoch."""
    return tuple(
        Epoch(
            epoch=place + 1,
            loss=start * (end / start) ** (place / max(1, count - 1)),
            check_loss=1.05 * start * (end / start) ** (0.9 * place / max(1, count - 1))
            + 0.1 * (place == count - 1 > 0),
            elapsed_s=1.5 * (place + 1),
            check_accuracy=None if right is None else right[0] + (right[1] - right[0]) * place / max(1, count - 1),
            stage=1 + place * stages // count,
        )
        for place in range(count)
    )


def trained():
    """A student and a pruned model beside the others; the student wins, and comes in two ways."""
    student, pruned = learned(), learned(6, start=0.9, end=0.4, right=None, stages=2)
    more = (
        ("litert+distillation[small]", 0.031, {"file_mb": 0.2, "score": accuracy(0.006), "training": student}),
        (
            "litert+distillation+static_int8[small]",
            0.021,
            {"file_mb": 0.06, "score": accuracy(0.025), "training": student},
        ),
        ("litert+structured_pruning[50%]", 0.052, {"file_mb": 0.9, "score": accuracy(0.004), "training": pruned}),
    )
    return optimized(
        candidates=(*CANDIDATES[:3], *more),
        best="digits/litert+distillation[small]",
        path=(),
        left_out=(),
        sensitivity=(),
    )


OPTIMIZED = {
    "usual": lambda: optimized(*FAILED),
    "without_winner": without_winner,
    "unlabelled": unlabelled,
    "losses": losses,
    "single_numbers": single_numbers,
    "forty": forty,
    "interrupted": lambda: dataclasses.replace(
        optimized(candidates=CANDIDATES[:4], best=None, path=(), left_out=(), sensitivity=()),
        profile=dataclasses.replace(optimized(candidates=CANDIDATES[:4]).profile, interrupted=True),
    ),
    "nothing": lambda: optimized(*FAILED, candidates=(), best=None, original=None, path=(), left_out=()),
}
