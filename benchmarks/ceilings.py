"""Do the machine's ceilings hold? Prints the ceilings, and what share of them large kernels reach, in Markdown.

A ceiling that a real layer beats makes wrong sentences ("reaches 130% of what the machine can do"), and so does one
that nothing comes near. So layers of the sizes that models have (all convolutions of a ResNet50's kind, large matrix
products, Dense layers at batch 1 whose weights fit in one or the other cache) run one at a time, in ONNX Runtime and
OpenVINO, float32 and int8, and in numpy; each is held against the ceiling that is meant for it. Wanted: no share above
110%, and one of at least 80% for each precision.

Every layer is a model of its own: working set and activations are its own, and edges of the graph are in its time.

Usage: python benchmarks/ceilings.py [--threads N] [--rounds N]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import time
from typing import Any

import numpy as np

os.environ["INFERSPEED_MAGIC_CACHE"] = "off"

from inferspeed_magic.measurement.clock import time_block
from inferspeed_magic.measurement.fastest import fastest_ns
from inferspeed_magic.runtimes.base import Lowering, from_reference

RUNTIMES = {
    "onnxruntime": "inferspeed_magic.runtimes.onnxruntime:OnnxRuntime",
    "openvino": "inferspeed_magic.runtimes.openvino:OpenVino",
}
#: Channels in, channels out, height and width of the output, kernel, stride.
CONVOLUTIONS = (
    (3, 64, 112, 7, 2),
    (64, 64, 56, 1, 1),
    (64, 64, 56, 3, 1),
    (64, 256, 56, 1, 1),
    (128, 128, 28, 3, 1),
    (512, 128, 28, 1, 1),
    (256, 256, 14, 3, 1),
    (256, 1024, 14, 1, 1),
    (512, 512, 7, 3, 1),
    (2048, 512, 7, 1, 1),
)
PRODUCTS = (512, 1024, 2048)
DENSE = (256, 512, 1024, 1448, 2048, 2896, 4096)
HIGHEST, NEAR = 1.1, 0.8
_BLOCK_NS = 60_000_000


def layers() -> list[dict[str, Any]]:
    """Describe the layers: name, shapes of input and weights, multiply-accumulates, strides."""
    found: list[dict[str, Any]] = []
    for taken, given, side, kernel, stride in CONVOLUTIONS:
        name = f"Conv {kernel}x{kernel}, {taken} to {given}, {side}x{side}"
        macs = given * side * side * taken * kernel * kernel
        shape, weights = [1, taken, side * stride, side * stride], [given, taken, kernel, kernel]
        found.append({"name": name, "shape": shape, "weights": weights, "macs": macs, "stride": stride})
    for side in PRODUCTS:
        name = f"MatMul {side} x {side} x {side}"
        found.append({"name": name, "shape": [side, side], "weights": [side, side], "macs": side**3, "stride": 1})
    for side in DENSE:
        name = f"Dense {side} to {side}, batch 1"
        found.append({"name": name, "shape": [1, side], "weights": [side, side], "macs": side**2, "stride": 1})
    return found


def write(_state: dict[str, Any], *, folder: str) -> list[dict[str, Any]]:
    """Write each layer as ONNX, in float32 and int8; runs in a worker."""
    found = []
    for number, layer in enumerate(layers()):
        for precision in ("float32", "int8"):
            if precision == "int8" and layer["shape"][0] == 1 and len(layer["shape"]) == 2:
                continue  # Dense at batch 1 is here for the bandwidth
            path = f"{folder}/{number}_{precision}.onnx"
            _save(path, layer, quantized=precision == "int8")
            found.append({**layer, "path": path, "precision": precision})
    return found


def _save(path: str, layer: dict[str, Any], *, quantized: bool) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).standard_normal(layer["weights"], np.float32) * 0.02
    nodes, constants, taken = [], [], "x"
    if quantized:
        constants += [numpy_helper.from_array(np.float32(0.02), "s"), numpy_helper.from_array(np.uint8(128), "z")]
        constants += [numpy_helper.from_array(np.clip(weights / 0.001, -63, 63).astype(np.int8), "q")]
        constants += [numpy_helper.from_array(np.float32(0.001), "qs"), numpy_helper.from_array(np.int8(0), "qz")]
        nodes += [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["x8"])]
        nodes += [helper.make_node("DequantizeLinear", ["x8", "s", "z"], ["xf"])]
        nodes += [helper.make_node("DequantizeLinear", ["q", "qs", "qz"], ["w"])]
        taken = "xf"
    else:
        constants.append(numpy_helper.from_array(weights, "w"))
    given = "p" if quantized else "y"
    if weights.ndim == 4:
        pad = weights.shape[2] // 2
        attributes = {"strides": [layer["stride"]] * 2, "pads": [pad] * 4}
        nodes.append(helper.make_node("Conv", [taken, "w"], [given], **attributes))
    else:
        nodes.append(helper.make_node("MatMul", [taken, "w"], [given]))
    if quantized:
        nodes += [helper.make_node("QuantizeLinear", ["p", "s", "z"], ["y8"])]
        nodes += [helper.make_node("DequantizeLinear", ["y8", "s", "z"], ["y"])]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, layer["shape"])]
    ends.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, None))
    graph = helper.make_graph(nodes, "layer", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def fastest_us(_state: dict[str, Any], *, runtime: str, threads: int, path: str, shape: list[int]) -> float:
    """Time one layer in a runtime; runs in a worker."""
    maker, lowering = from_reference(runtime), Lowering(threads=threads, batch_size=shape[0])
    session = maker.compile(maker.load(path, lowering), lowering)
    batches = [[np.random.default_rng(0).standard_normal(shape, np.float32)]]
    time_block(session.run, batches, _BLOCK_NS // 4)
    return fastest_ns(time_block(session.run, batches, _BLOCK_NS, least=5)[0]) / 1e3


def numpy_us(_state: dict[str, Any], *, side: int) -> float:
    """Time a matrix product of numpy, in as many threads as its BLAS was given; runs in a worker."""
    left, right = (np.random.default_rng(0).standard_normal((side, side), np.float32) for _ in range(2))
    return fastest_ns(time_block(lambda _: left @ right, [[]], _BLOCK_NS, least=5)[0]) / 1e3


def main() -> int:
    """Print the tables; return 1 where a ceiling does not hold."""
    from inferspeed_magic.measurement.machine import describe
    from inferspeed_magic.profiling.ceilings import ceilings
    from inferspeed_magic.profiling.environment import environment
    from inferspeed_magic.profiling.limits import LIMITS
    from inferspeed_magic.workers.crew import Crew

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    machine = describe()
    threads = asked.threads or machine.cores_given
    with Crew() as crew:
        start = time.monotonic()
        found = ceilings(crew, LIMITS, machine, threads, anew=True)
        took_s = time.monotonic() - start
        print(f"{machine.cpu}, {threads} threads of {machine.cores_given} cores, {dt.date.today()}; {took_s:.1f} s\n")
        _print_ceilings(found)
        blas = {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
        workers = {name: crew.start(name, environment=environment(None, "cpu")) for name in RUNTIMES}
        workers["numpy"] = crew.start("numpy", environment=environment(None, "cpu") | blas)
        models = workers["numpy"].request("ceilings:write", {"folder": str(crew.folder)}, 120)
        times: dict[tuple[str, str, str], float] = {}
        for _ in range(asked.rounds):
            for side in PRODUCTS:
                with crew.alone(workers["numpy"]):
                    taken = workers["numpy"].request("ceilings:numpy_us", {"side": side}, 120)
                key = (f"MatMul {side} x {side} x {side}", "float32", "numpy")
                times[key] = min(taken, times.get(key, np.inf))
            for model in models:
                for name, runtime in RUNTIMES.items():
                    arguments = {"runtime": runtime, "threads": threads, "path": model["path"], "shape": model["shape"]}
                    with crew.alone(workers[name]):
                        taken = workers[name].request("ceilings:fastest_us", arguments, 120)
                    key = (model["name"], model["precision"], name)
                    times[key] = min(taken, times.get(key, np.inf))
    return _print_shares(found, times)


def _print_ceilings(found: Any) -> None:
    print("| ceiling | value |\n|---|---|")
    for precision, rate in found.gflop_per_s.items():
        print(f"| {precision} | {rate:,.0f} GFLOP/s |")
    for each in found.bandwidths:
        print(f"| read {each.working_set_bytes / 1024:,.0f} kB ({each.level}) | {each.gb_per_s:.0f} GB/s |")
    for each in found.dispatch:
        print(f"| {each.runtime} | {each.per_operator_us:.2f} us/operator, {each.per_call_us:.1f} us/call |")
    print("\n" + "\n".join(f"- {sentence}" for sentence in found.how) + "\n")


def _print_shares(found: Any, times: dict[tuple[str, str, str], float]) -> int:
    described = {layer["name"]: layer for layer in layers()}
    columns = [("float32", "numpy"), *((precision, name) for precision in ("float32", "int8") for name in RUNTIMES)]
    print("| layer | ceiling | " + " | ".join(f"{name} {precision}" for precision, name in columns) + " |")
    print("|---" * (len(columns) + 2) + "|")
    shares: dict[str, list[float]] = {"float32": [], "int8": [], "bandwidth": []}
    for name, layer in described.items():
        dense, cells = layer["macs"] < 5e7 and name.startswith("Dense"), []
        weight_bytes = 4 * int(np.prod(layer["weights"]))
        for precision, runtime in columns:
            taken = times.get((name, precision, runtime))
            if taken is None:
                cells.append("")
                continue
            if dense:
                ideal_us = weight_bytes / found.bandwidth_gb_per_s(weight_bytes) / 1e3
            else:
                ideal_us = 2 * layer["macs"] / found.gflop_per_s[precision] / 1e3
            shares["bandwidth" if dense else precision].append(ideal_us / taken)
            cells.append(f"{taken:,.0f} us, {ideal_us / taken:.0%}")
        level = next((b.level for b in found.bandwidths if b.working_set_bytes >= weight_bytes), "memory")
        print(f"| {name} | {level if dense else 'compute'} | " + " | ".join(cells) + " |")
    print()
    for kind, values in shares.items():
        print(f"{kind}: the highest share is {max(values):.0%}")
    return int(any(not NEAR <= max(values) <= HIGHEST for values in shares.values()))


if __name__ == "__main__":
    sys.exit(main())
