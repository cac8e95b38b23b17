"""OpenVINO, on the CPU or on an Intel GPU: https://docs.openvino.ai ."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from inferspeed_magic.formats.naming import in_order
from inferspeed_magic.formats.operator_graph import MOVES, Node, OperatorGraph, weights_of, with_weights
from inferspeed_magic.records.operators import OperatorTime
from inferspeed_magic.runtimes.base import (
    Capabilities,
    Lowering,
    ProfiledSession,
    Runtime,
    Session,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


#: What is not run: inputs, outputs and weights.
_NO_WORK = {"Parameter", "Constant", "Result"}
_BYTE = 8
#: From which share of all inferences on the warm-up is over; only where nothing changes after it does this matter.
_STEADY_FROM = 0.125
#: How far the mean of inferences between two readings can be off.
_ROUNDING_US = 2.5


class OpenVino(Runtime):
    """A compiled model with the latency hint and one stream."""

    name = "openvino"
    distribution = "openvino"
    module = "openvino"
    install_command = 'pip install "inferspeed-magic[openvino]"'

    def capabilities(self) -> Capabilities:
        """CPU and Intel GPU."""
        return Capabilities(devices=("cpu", "gpu"), formats=("openvino_ir",), batch_in_artifact=True, profiles=True)

    def load(self, artifact: str, lowering: Lowering) -> Any:
        """Read the model."""
        import openvino

        core = openvino.Core()
        device = "CPU"
        if lowering.on_gpu:
            device = f"GPU.{lowering.device_index}"
            offered = [name if "." in name or name != "GPU" else "GPU.0" for name in core.available_devices]
            if device not in offered:
                raise UnsupportedError(f"OpenVINO sees no {device} here (it sees {', '.join(offered) or 'nothing'})")
        return core, core.read_model(artifact), device

    def compile(self, loaded: Any, lowering: Lowering) -> Session:
        """Compile for latency. CPUs with bfloat16 units would lower the precision by themselves: not here."""
        return OpenVinoSession(_compiled(loaded, lowering, {}), loaded[2])

    def compile_profiled(self, loaded: Any, lowering: Lowering, folder: str) -> ProfiledSession:
        """Do the same with performance counters."""
        del folder
        if lowering.on_gpu:
            raise UnsupportedError("OpenVINO's counters are read here as those of its CPU plugin add up")
        return ProfiledOpenVinoSession(_compiled(loaded, lowering, {"PERF_COUNT": True}), loaded[1])


class OpenVinoSession(Session):
    """One infer request, reused; outputs are copied so that the next inference cannot change them."""

    def __init__(self, compiled: Any, device: str) -> None:
        self._request = compiled.create_infer_request()
        self._inputs = in_order(compiled.inputs, _names)
        self._outputs = in_order(compiled.outputs, _names)
        self.facts = {"device": "gpu" if device.startswith("GPU") else "cpu", "execution_device": device}

    def run(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Infer; inputs are shared with the runtime, as an application in a hurry would do."""
        results = self._request.infer(dict(zip(self._inputs, inputs, strict=True)), share_inputs=True)
        return [results[port] for port in self._outputs]


class ProfiledOpenVinoSession(OpenVinoSession, ProfiledSession):
    """Reads the counters now and then: they hold the mean over all inferences, in whole microseconds.

    The mean of inferences between two readings is the difference of the sums. The sums are known to within half a
    microsecond for each inference, so each reading comes after half as many inferences again as the one before: that
    keeps the error of every such mean below 2.5 microseconds, and that of the mean over all below one.
    """

    def __init__(self, compiled: Any, model: Any) -> None:
        super().__init__(compiled, "CPU")
        self._compiled = compiled
        self._model = model
        self._count = 0
        self._readings: list[tuple[int, dict[str, tuple[str, float]]]] = []

    def run(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Infer."""
        outputs = super().run(inputs)
        self._count += 1
        if not self._readings or self._count >= 1.5 * self._readings[-1][0]:
            self._read()
        return outputs

    def operators(self) -> list[OperatorTime]:
        """Take the readings apart; what was fused is listed in the graph that the plugin runs."""
        if self._readings and self._readings[-1][0] < self._count:
            self._read()
        led = _originals(self._compiled.get_runtime_model(), _graph(self._model))
        kinds = {name: kind for _, counters in self._readings for name, (kind, _) in counters.items()}
        self.facts |= {
            "inserted_reorders": str(sum(kind == "Reorder" and not led.get(name) for name, kind in kinds.items())),
            "operators_in_file": str(sum(node.get_type_name() not in _NO_WORK for node in self._model.get_ops())),
            "operators_run": str(len(kinds)),
        }
        return [
            OperatorTime(
                name,
                kind,
                tuple(self._taken_ns(name)),
                origins=led.get(name, ()),
            )
            for name, kind in kinds.items()
        ]

    def _read(self) -> None:
        counters = {
            each.node_name: (each.node_type, each.real_time.total_seconds() * 1e6)
            for each in self._request.profiling_info
            if each.status.name == "EXECUTED"
        }
        self._readings.append((self._count, counters))

    def _taken_ns(self, name: str) -> list[int]:
        """Give each inference the mean of those between two readings, or of nearly all where these differ by chance."""
        # Rounded down twice: each time to a whole microsecond, and their mean once more. An operator that this makes
        # nothing of is listed as not run.
        readings = [(n, counters[name][1] if name in counters else 0.0) for n, counters in self._readings]
        sums = [(0, 0.0)] + [(n, n * (shown + 1.0) - 0.5) for n, shown in readings]
        means = [(n - m, (after - before) / (n - m)) for (m, before), (n, after) in pairwise(sums)]
        steady = [pair for pair in sums if pair[0] >= _STEADY_FROM * self._count]
        if len(steady) > 1:
            (m, before), (n, after) = steady[0], steady[-1]
            mean = (after - before) / (n - m)
            late = [each for (n, _), (_, each) in zip(sums[1:], means, strict=True) if n > m]
            if all(abs(each - mean) <= _ROUNDING_US for each in late):
                means = [(self._count, mean)]
        return [round(1000.0 * max(0.0, mean)) for count, mean in means for _ in range(count)]


def _originals(run: Any, file: OperatorGraph) -> dict[str, tuple[str, ...]]:
    """Map what the plugin runs to the operators of the file that went into it, and their weights.

    The plugin lists what it fused itself. What was folded into weights before (a convolution whose kernel was scaled by
    the multiplication after it) it does not know of: that lies between what is listed.
    """
    listed = {
        node.get_friendly_name(): [
            name for name in node.get_rt_info()["originalLayersNames"].astype(str).split(",") if name
        ]
        for node in run.get_ordered_ops()
    }
    weights = weights_of(file)
    bounds = {name for names in listed.values() for name in names}.union(file.prepared())
    found = {}
    for name, names in listed.items():
        inside = [each.name for each in file.between(names, bounds) if each.kind not in MOVES]
        computing = [each for each in names if each in inside] + inside
        found[name] = with_weights(computing if any("/" in each for each in computing) else names, weights)
    return found


def _graph(model: Any) -> OperatorGraph:
    """Read the operators; tensors are called after the operators that make them."""
    nodes: list[Node] = []
    constants: dict[str, tuple[int, ...] | None] = {}
    recoding: set[str] = set()
    for node in model.get_ordered_ops():
        name, kind = node.get_friendly_name(), node.get_type_name()
        if kind == "Constant":
            output = node.output(0)
            numbers = output.get_element_type().is_real() or output.get_element_type().bitwidth <= _BYTE
            constants[name] = tuple(output.get_shape()) if numbers else None
            continue
        inputs = tuple(each.get_source_output().get_node().get_friendly_name() for each in node.inputs())
        if kind == "Convert" and node.get_input_element_type(0).bitwidth <= _BYTE:
            recoding.add(name)
        elif kind in {"Subtract", "Multiply"} and inputs[0] in recoding:
            recoding.add(name)
            kind = "DequantizeLinear"  # ONNX's; here it is taken apart
        nodes.append(Node(name, kind, inputs, (name,)))
    return OperatorGraph(tuple(nodes), constants)


def _compiled(loaded: Any, lowering: Lowering, more: dict[str, Any]) -> Any:
    core, model, device = loaded
    settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1", **more}
    if device == "CPU":
        settings["INFERENCE_NUM_THREADS"] = lowering.threads
    if lowering.precision not in {"float16", "bfloat16"}:
        settings["INFERENCE_PRECISION_HINT"] = "f32"
    compiled = core.compile_model(model, device, settings)
    used = compiled.get_property("EXECUTION_DEVICES")
    if not any(str(name).startswith(device.partition(".")[0]) for name in used):
        raise UnsupportedError(f"OpenVINO chose {', '.join(map(str, used))} in place of {device}")
    return compiled


def _names(port: Any) -> set[str]:
    names: set[str] = port.get_names()
    return names
