"""OpenVINO, on the CPU or on an Intel GPU: https://docs.openvino.ai ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.formats.naming import in_order
from inferspeed_magic.runtimes.base import Capabilities, Lowering, Runtime, Session, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


class OpenVino(Runtime):
    """A compiled model with the latency hint and one stream."""

    name = "openvino"
    distribution = "openvino"
    module = "openvino"
    install_command = 'pip install "inferspeed-magic[openvino]"'

    def capabilities(self) -> Capabilities:
        """CPU and Intel GPU."""
        return Capabilities(devices=("cpu", "gpu"), formats=("openvino_ir",), batch_in_artifact=True)

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
        core, model, device = loaded
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1"}
        if device == "CPU":
            settings["INFERENCE_NUM_THREADS"] = lowering.threads
        if lowering.precision not in {"float16", "bfloat16"}:
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        compiled = core.compile_model(model, device, settings)
        used = compiled.get_property("EXECUTION_DEVICES")
        if not any(str(name).startswith(device.partition(".")[0]) for name in used):
            raise UnsupportedError(f"OpenVINO chose {', '.join(map(str, used))} in place of {device}")
        return OpenVinoSession(compiled, device)


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


def _names(port: Any) -> set[str]:
    names: set[str] = port.get_names()
    return names
