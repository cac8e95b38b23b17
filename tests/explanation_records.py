"""Records of explanations, built by hand, with numbers as a machine of two cores has them."""

from __future__ import annotations

import dataclasses
import math

from profile_records import MACHINE, interval, result

from inferspeed_magic.records import (
    BatchFit,
    CallPath,
    Ceilings,
    Counterfactual,
    Evidence,
    ExplanationRecord,
    FindingRecord,
    Interval,
    LayerCount,
    LayerTime,
    ModelCount,
    OperatorKinds,
    ProfileOverhead,
    ProfileRecord,
    Request,
    WeightFacts,
)
from inferspeed_magic.records.ceilings import Bandwidth, DispatchCost

NAN = float("nan")
RUNTIMES = ("keras.predict", "keras.call", "keras.compiled", "litert", "onnxruntime", "openvino")
#: p50 in ms by runtime: what is narrow and deep is not faster than what is wide and shallow.
LATENCIES_MS = {
    "deep": (61.2, 24.8, 1.62, 0.412, 0.388, 0.471),
    "wide": (60.1, 8.3, 0.85, 0.271, 0.205, 0.344),
    "head": (59.4, 6.1, 0.52, 0.061, 0.054, 0.112),
}
CEILINGS = Ceilings(
    threads=2,
    gflop_per_s={"float32": 118.0, "int8": 205.0},
    bandwidths=(
        Bandwidth(16 * 1024, 182.0, "L1d"),
        Bandwidth(512 * 1024, 88.0, "L2"),
        Bandwidth(16 * 1024 * 1024, 34.0, "L3"),
        Bandwidth(256 * 1024 * 1024, 13.5, "memory"),
    ),
    dispatch=(DispatchCost("onnxruntime", 1.9, 6.3), DispatchCost("openvino", 3.4, 41.0)),
    how=(
        "float32: the fastest of ten products of 1024 x 1024 matrices in onnxruntime",
        "bandwidth: sums over arrays that fit each level, both threads together",
    ),
)


def conv(name, size, channels_in, channels, *, kernel=3, kind="Conv2D"):
    """A convolution on a square map; a depthwise one has one filter for each channel."""
    groups = channels_in if kind == "DepthwiseConv2D" else 1
    params = kernel * kernel * (channels_in // groups) * channels + channels
    macs = size * size * kernel * kernel * (channels_in // groups) * channels
    weights = 4 * params
    return LayerCount(
        layer=name,
        kind=kind,
        params=params,
        macs=macs,
        flops=2 * macs + size * size * channels,
        weight_bytes=weights,
        bytes_read=weights + 4 * size * size * channels_in,
        bytes_written=4 * size * size * channels,
        kernels=1,
        output_shape=(size, size, channels),
    )


def elementwise(name, kind, size, channels, flops_each=1, params=0):  # noqa: PLR0917
    values = size * size * channels
    return LayerCount(name, kind, params, 0, flops_each * values, 4 * params, 4 * (values + params), 4 * values, 1)


def dense(name, units_in, units):
    params = units_in * units + units
    macs = units_in * units
    return LayerCount(name, "Dense", params, macs, 2 * macs + units, 4 * params, 4 * (params + units_in), 4 * units, 1)


def network(model, blocks, channels, size=28):
    """A convolutional network: in each block a convolution, a normalization and an activation, in three resolutions."""
    layers, before = [], 1
    for place in range(blocks):
        stage = 3 * place // blocks
        across, filters = size >> stage, channels << stage
        if place % 4 == 3:
            layers.append(conv(f"depthwise_conv2d_{place}", across, before, before, kind="DepthwiseConv2D"))
            filters = before
        else:
            layers.append(conv(f"conv2d_{place}", across, before, filters))
        layers += [
            elementwise(f"batch_normalization_{place}", "BatchNormalization", across, filters, 2, 4 * filters),
            elementwise(f"re_lu_{place}", "ReLU", across, filters),
        ]
        before = filters
    layers += [elementwise("flatten", "Flatten", across, before, 0), dense("dense", across * across * before, 10)]
    return ModelCount(model, 1, tuple(layers), depth=len(layers), activation_bytes=8 * size * size * channels)


def timed(count, runtime="onnxruntime"):
    """Times of layers, below the ceilings: what stands behind a convolution is fused into it."""
    head, times = "", []
    for place, layer in enumerate(count.layers):
        if layer.kind in ("BatchNormalization", "ReLU"):
            times.append(LayerTime(count.model, layer.layer, runtime, NAN, NAN, NAN, fused_into=head))
            continue
        head = layer.layer
        arithmetic_us = layer.flops / 118e3
        memory_us = (layer.bytes_read + layer.bytes_written) / 34e3
        share = (0.85, 0.6, 0.75, 0.45)[place % 4]
        ends = {"compute": arithmetic_us, "memory": memory_us, "overhead": 1.9}
        bound = max(ends, key=ends.get)
        spent = ends[bound] / share
        times.append(
            LayerTime(
                *(count.model, layer.layer, runtime, spent, 0.97 * spent, 1.04 * spent),
                operators=("Gemm",) if layer.kind == "Dense" else ("Conv",),
                bound=bound,
                level="L3" if bound == "memory" else None,
                ceiling_share=share,
            )
        )
    return tuple(times)


def split(model, way, latency_ms):
    """Take a call apart, as the diagnosis does."""
    if way == "keras.predict":
        parts = (("python", 0.92 * latency_ms), ("dispatch", 0.05 * latency_ms), ("compute", 0.03 * latency_ms))
    else:
        share = {"keras.call": 0.93, "keras.compiled": 0.6}.get(way, 0.07)
        parts = (("dispatch", share * latency_ms), ("compute", (1 - share) * latency_ms))
    idle = interval(0.9 * latency_ms) if way.startswith("keras") else None
    return CallPath(model, way, interval(latency_ms), parts, idle)


def finding(cause="call_overhead", model="deep", **changes):
    given = {
        "sentence": "97% of the 61.2 ms that keras.predict takes is the call itself (59.4 ms), which a model without "
        "any work costs, too",
        "evidence": (
            Evidence("one call of keras.predict", 61.2, "ms", interval(61.2), (f"{model}/keras.predict",)),
            Evidence("the same inference on onnxruntime", 0.388, "ms", interval(0.388), (f"{model}/onnxruntime",)),
        ),
        "confidence": 0.95,
        "explained_ms": 59.4,
        "advice": "call it through onnxruntime, or hand predict many samples at once",
        "expected_gain": interval(158.0, 0.03),
        "check": ("runtime", "keras.predict", "onnxruntime"),
    }
    return FindingRecord(cause=cause, model=model, **(given | changes))


FINDINGS = (
    finding(measured_gain=interval(155.0, 0.02)),
    finding(
        "many_small_operators",
        sentence="onnxruntime runs 41 operators one after the other, and starting one costs about 1.9 us here: 20% of "
        "the 0.388 ms, however little they compute",
        evidence=(
            Evidence("operators", 41.0),
            Evidence("cost of starting one", 1.9, "us"),
            Evidence("sum", 0.078, "ms"),
        ),
        confidence=0.7,
        explained_ms=0.078,
        advice="fewer and wider layers: the same work in half as many operators saves half of this",
        expected_gain=None,
        check=(),
    ),
    finding(
        "flops_not_parameters",
        sentence="deep has 45% of the parameters of wide, and 102% of its operations: conv2d_2 alone uses each of its "
        "2,320 parameters 784 times",
        evidence=(
            Evidence("parameters of deep", 57_000.0, rows=("deep",)),
            Evidence("operations of deep", 31.2, "MFLOP", rows=tuple(f"conv2d_{place}" for place in range(9))),
        ),
        confidence=0.8,
        explained_ms=0.02,
        advice="shrink what conv2d_2 works on: fewer channels at full resolution, or a stride before it",
        expected_gain=Interval(1.2, 0.95, 1.5),
        check=(),
    ),
    finding(
        "poor_parallelism",
        sentence="2 threads gain next to nothing over one on onnxruntime: 0.388 ms, and 0.391 ms with one",
        evidence=(Evidence("with 2 threads", 0.388, "ms", interval(0.388)),),
        confidence=0.5,
        explained_ms=0.0,
        advice="run it on 1 thread and use the others for other requests",
        expected_gain=Interval(0.99, 0.97, 1.02),
        check=("threads", "onnxruntime", "1"),
    ),
)


def fit(model, runtime, fixed_ms, per_sample_ms, *, fits=True):
    points = tuple((size, interval(fixed_ms + size * per_sample_ms, 0.03)) for size in (1, 8, 32))
    return BatchFit(model, runtime, points, interval(fixed_ms, 0.05), interval(per_sample_ms, 0.04), fits)


CHANGES = (
    ("one_thread", "1 thread in place of 2", 1.01),
    ("int8", "static int8 in place of float32", 0.52),
    ("without_slowest_layer", "without conv2d_2, its slowest layer", 0.9),
)


def changed(model, before_ms, what, detail, ratio):
    after_ms = ratio * before_ms
    return Counterfactual(model, "onnxruntime", what, detail, interval(before_ms), interval(after_ms), interval(ratio))


#: What a record has that was only counted.
UNMEASURED = ("layers", "operators", "weights", "overheads", "call_paths", "fits", "counterfactuals")


def record(counts, findings=FINDINGS, runtimes=RUNTIMES, **changes):
    """An explanation of these models on these runtimes."""
    models = [count.model for count in counts]
    layers = tuple(time for count in counts for time in timed(count))
    latencies = {model: dict(zip(RUNTIMES, LATENCIES_MS[model], strict=True)) for model in models}
    for model in models:
        inside_us = sum(each.time_us for each in layers if each.model == model and not math.isnan(each.time_us))
        latencies[model]["onnxruntime"] = inside_us / 930
    profile = ProfileRecord(
        request=Request(runtimes=tuple(runtimes), batch_sizes=(1, 8, 32), threads=2),
        machine=MACHINE,
        results=tuple(result(f"{model}/{name}", latencies[model][name]) for model in models for name in runtimes),
        baseline=None,
        created="2026-11-22T10:00:00+00:00",
        elapsed_s=48.0,
        version="0",
    )
    given = {
        "profile": profile,
        "counts": tuple(counts),
        "ceilings": CEILINGS,
        "layers": layers,
        "operators": tuple(
            OperatorKinds(model, "onnxruntime", technique, (("Conv", 310.0, 20), ("Gemm", 21.0, 1), ("Relu", 2.0, 1)))
            for model in models
            for technique in ("none", "post_training_static")
        ),
        "weights": tuple(WeightFacts(model, 0.002, 0.0) for model in models),
        "overheads": tuple(
            ProfileOverhead(model, "onnxruntime", Interval(0.06, 0.04, 0.08), 0.021, 0.11) for model in models
        ),
        "call_paths": tuple(split(model, name, latencies[model][name]) for model in models for name in runtimes),
        "fits": tuple(
            each
            for model in models
            for each in (
                fit(model, "keras.predict", latencies[model]["keras.predict"], 0.4, fits=model != "wide"),
                fit(model, "onnxruntime", 0.03, latencies[model]["onnxruntime"]),
            )
        ),
        "counterfactuals": tuple(
            Counterfactual(
                model, "onnxruntime", what, detail, interval(before), interval(before * ratio), interval(ratio)
            )
            for model in models
            for what, detail, ratio, before in (
                ("one_thread", "1 thread in place of 2", 1.01, latencies[model]["onnxruntime"]),
                ("int8", "static int8 in place of float32", 0.52, latencies[model]["onnxruntime"]),
                ("without_slowest_layer", "without conv2d_2, its slowest layer", 0.9, latencies[model]["onnxruntime"]),
            )
        ),
        "findings": tuple(each for each in findings if each.model in models),
        "elapsed_s": 48.0,
    }
    return ExplanationRecord(**(given | changes))


def deep(blocks=19):
    return network("deep", blocks, 10)


def wide():
    return network("wide", 3, 40)


def two(**changes):
    """A narrow and deep network, and a wide and shallow one that has more parameters."""
    return record((deep(), wide()), **changes)


def one(**changes):
    return record((deep(),), **changes)


def three(**changes):
    head = dataclasses.replace(wide(), model="head", layers=(dense("dense_0", 784, 512), dense("dense_1", 512, 10)))
    return record((deep(), wide(), head), **changes)


def sixty(**changes):
    """Two models of sixty layers each."""
    return record((network("deep", 20, 12), network("wide", 20, 32)), **changes)


def long(**changes):
    """One model of 302 layers."""
    return record((deep(100),), **changes)


def branched(**inputs):
    """A network of four blocks that knows what feeds its layers: the one before each, or those that are given."""
    count = network("deep", 4, 10)
    names = [layer.layer for layer in count.layers]
    usual = {name: (before,) for name, before in zip(names, ["(input)", *names], strict=False)}
    fed = usual | {name: tuple(taken) for name, taken in (inputs or {"conv2d_2": ("re_lu_0", "re_lu_1")}).items()}
    layers = tuple(dataclasses.replace(layer, inputs=fed[layer.layer]) for layer in count.layers)
    return record((dataclasses.replace(count, layers=layers),))


def count_only(**changes):
    """Counted, and nothing measured."""
    made = two(findings=())
    nothing = dict.fromkeys(
        ("layers", "operators", "weights", "overheads", "call_paths", "fits", "counterfactuals"), ()
    )
    profile = dataclasses.replace(made.profile, results=(), elapsed_s=1.0)
    return dataclasses.replace(made, profile=profile, ceilings=None, elapsed_s=1.0, **(nothing | changes))


def interrupted(**changes):
    """Stopped while the second model was measured: nothing was looked into."""
    made = two(findings=())
    profile = dataclasses.replace(made.profile, interrupted=True, results=made.profile.results[:8])
    return dataclasses.replace(
        made, profile=profile, layers=(), operators=(), overheads=(), fits=(), counterfactuals=(), **changes
    )


def without_intervals(**changes):
    """Too few samples for an interval of anything."""

    def bare(each):
        return Interval(each.value, NAN, NAN)

    made = two()
    return dataclasses.replace(
        made,
        layers=tuple(dataclasses.replace(each, low_us=NAN, high_us=NAN) for each in made.layers),
        call_paths=tuple(dataclasses.replace(each, latency_ms=bare(each.latency_ms)) for each in made.call_paths),
        fits=tuple(
            dataclasses.replace(
                each,
                points=tuple((size, bare(point)) for size, point in each.points),
                fixed_ms=Interval(NAN, NAN, NAN),
                per_sample_ms=bare(each.per_sample_ms),
            )
            for each in made.fits
        ),
        counterfactuals=tuple(dataclasses.replace(each, ratio=bare(each.ratio)) for each in made.counterfactuals),
        findings=tuple(
            dataclasses.replace(
                each,
                evidence=tuple(dataclasses.replace(one, interval=bare(interval(one.value))) for one in each.evidence),
                expected_gain=each.expected_gain and bare(each.expected_gain),
                confidence=NAN,
                explained_ms=NAN,
            )
            for each in made.findings
        ),
        **changes,
    )


def uncounted(**changes):
    """One of two models could not be counted."""
    made = two(notes=("deep could not be counted: its graph has an operator that TensorFlow does not know",))
    return dataclasses.replace(made, counts=made.counts[1:], **changes)


def hostile(word, **changes):
    """Every word is somebody else's."""
    made = two(notes=(word,))
    layer = f"{word}{word}"
    profile = dataclasses.replace(
        made.profile,
        results=tuple(
            dataclasses.replace(each, model=word, runtime=word + each.runtime, notes=(word,))
            if each.model == "deep"
            else each
            for each in made.profile.results
        ),
    )

    def named(each):
        return dataclasses.replace(each, model=word) if each.model == "deep" else each

    counts = tuple(
        dataclasses.replace(
            named(each),
            layers=tuple(dataclasses.replace(one, layer=layer + one.layer, kind=word) for one in each.layers),
            uncounted=(word,),
        )
        for each in made.counts
    )
    return dataclasses.replace(
        made,
        profile=profile,
        counts=counts,
        ceilings=dataclasses.replace(
            made.ceilings,
            how=(word,),
            bandwidths=tuple(dataclasses.replace(each, level=word + each.level) for each in made.ceilings.bandwidths),
        ),
        layers=tuple(
            dataclasses.replace(
                named(each),
                layer=layer + each.layer,
                runtime=word,
                fused_into=None if each.fused_into is None else layer + each.fused_into,
                level=word,
            )
            for each in made.layers
        ),
        operators=tuple(dataclasses.replace(named(each), kinds=((word, 1.0, 1),)) for each in made.operators),
        overheads=tuple(dataclasses.replace(named(each), runtime=word) for each in made.overheads),
        call_paths=tuple(
            dataclasses.replace(named(each), way=word + each.way, parts=((word, 0.01), *each.parts))
            for each in made.call_paths
        ),
        fits=tuple(dataclasses.replace(named(each), runtime=word) for each in made.fits),
        counterfactuals=tuple(dataclasses.replace(named(each), detail=word) for each in made.counterfactuals),
        findings=tuple(
            dataclasses.replace(
                named(each),
                sentence=word,
                advice=word,
                cause=word,
                evidence=(Evidence(word, 1.0, word, None, (word,)),),
            )
            for each in made.findings
        ),
        **changes,
    )


EXPLAINED = {
    "two": two,
    "one": one,
    "three": three,
    "sixty": sixty,
    "long": long,
    "count_only": count_only,
    "interrupted": interrupted,
    "without_intervals": without_intervals,
    "uncounted": uncounted,
    "nothing_found": lambda: two(findings=()),
    "nothing": lambda: count_only(counts=()),
}
