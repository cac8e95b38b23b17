"""ONNX Runtime, on the CPU or with the CUDA execution provider: https://onnxruntime.ai ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.formats.naming import in_order
from inferspeed_magic.runtimes.base import Capabilities, Lowering, Runtime, Session, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


#: "Thread management" and "Graph optimizations" in https://onnxruntime.ai/docs/performance .
_TUNABLE = (("graph_optimization", ("extended", "basic")), ("spinning", ("off",)), ("memory_arena", ("off",)))


class OnnxRuntime(Runtime):
    """An ``InferenceSession`` with all graph optimizations, its default."""

    name = "onnxruntime"
    distribution = "onnxruntime"
    module = "onnxruntime"
    install_command = "pip install onnxruntime"

    def capabilities(self) -> Capabilities:
        """Declare the CPU, and the GPU for wheels that have the CUDA provider."""
        return Capabilities(devices=("cpu", "gpu"), formats=("onnx",), batch_in_artifact=True, tunable=_TUNABLE)

    def load(self, artifact: str, lowering: Lowering) -> Any:
        """Choose the provider; the file is read by the session itself (weights may lie beside it)."""
        import onnxruntime

        onnxruntime.set_default_logger_severity(3)
        provider = "CUDAExecutionProvider" if lowering.on_gpu else "CPUExecutionProvider"
        offered = onnxruntime.get_available_providers()
        if provider not in offered:
            raise UnsupportedError(
                f"the installed onnxruntime has no {provider} (it has {', '.join(offered)}): "
                "pip install onnxruntime-gpu in place of onnxruntime"
            )
        return artifact, provider

    def compile(self, loaded: Any, lowering: Lowering) -> Session:
        """Build the session and assert that the provider asked for is the one in use."""
        import onnxruntime

        artifact, provider = loaded
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = lowering.threads
        options.inter_op_num_threads = 1
        _tune(options, dict(lowering.options))
        settings = {"device_id": str(lowering.device_index)} if lowering.on_gpu else {}
        session = onnxruntime.InferenceSession(artifact, options, providers=[(provider, settings)])
        used = session.get_providers()
        if used[0] != provider:
            raise UnsupportedError(f"onnxruntime fell back to {used[0]}: {provider} could not be set up")
        return OnnxRuntimeSession(session, provider)


class OnnxRuntimeSession(Session):
    """Runs with numpy arrays in and out, which the CPU provider does not copy."""

    def __init__(self, session: Any, provider: str) -> None:
        self._session = session
        self._inputs = _in_order(session.get_inputs())
        self._outputs = _in_order(session.get_outputs())
        self.facts = {"execution_provider": provider, "device": "gpu" if "CUDA" in provider else "cpu"}

    def run(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Run the session."""
        try:
            outputs: list[np.ndarray[Any, Any]] = self._session.run(
                self._outputs, dict(zip(self._inputs, inputs, strict=True))
            )
        except Exception as error:
            strange = next((each.dtype.name for each in inputs if each.dtype.kind == "V"), None)
            if strange is None:
                raise
            reason = f"ONNX Runtime takes no arrays of {strange}: give the model inputs of float32 and cast them inside"
            raise UnsupportedError(reason) from error
        return outputs


def _tune(options: Any, chosen: dict[str, str]) -> None:
    import onnxruntime

    levels = onnxruntime.GraphOptimizationLevel
    named = {"basic": levels.ORT_ENABLE_BASIC, "extended": levels.ORT_ENABLE_EXTENDED, "all": levels.ORT_ENABLE_ALL}
    options.graph_optimization_level = named[chosen.get("graph_optimization", "all")]
    if chosen.get("spinning") == "off":
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = chosen.get("memory_arena") != "off"


def _in_order(nodes: list[Any]) -> list[str]:
    names = [node.name for node in nodes]
    return in_order(names, lambda name: [name])
