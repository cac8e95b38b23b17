"""ONNX Runtime, on the CPU or with the CUDA execution provider: https://onnxruntime.ai ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.formats.naming import in_order
from inferspeed_magic.formats.onnx_fusion import origins, read
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


#: "Thread management" and "Graph optimizations" in https://onnxruntime.ai/docs/performance .
_TUNABLE = (("graph_optimization", ("extended", "basic")), ("spinning", ("off",)), ("memory_arena", ("off",)))


#: How the profiler marks the time of an operator itself.
_KERNEL = "_kernel_time"


class OnnxRuntime(Runtime):
    """An ``InferenceSession`` with all graph optimizations, its default."""

    name = "onnxruntime"
    distribution = "onnxruntime"
    module = "onnxruntime"
    install_command = "pip install onnxruntime"

    def capabilities(self) -> Capabilities:
        """Declare the CPU, and the GPU for wheels that have the CUDA provider."""
        return Capabilities(
            devices=("cpu", "gpu"), formats=("onnx",), batch_in_artifact=True, tunable=_TUNABLE, profiles=True
        )

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
        return OnnxRuntimeSession(_built(loaded, lowering, _options(lowering)), loaded[1])

    def compile_profiled(self, loaded: Any, lowering: Lowering, folder: str) -> ProfiledSession:
        """Build the session with profiling, and have it write the graph that it made of the file."""
        if lowering.on_gpu:
            raise UnsupportedError("ONNX Runtime's profiler times when work for a GPU is begun, not what it takes")
        options = _options(lowering)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        optimized = Path(folder) / "optimized.onnx"
        options.optimized_model_filepath = str(optimized)
        # A file of more than 2 GB cannot be written, and nobody reads the weights.
        entry = "session.optimized_model_external_initializers_"
        options.add_session_config_entry(f"{entry}file_name", "optimized.weights")
        options.add_session_config_entry(f"{entry}min_size_in_bytes", "1024")
        session = _built(loaded, lowering, options)
        optimized.with_suffix(".weights").unlink(missing_ok=True)
        return ProfiledOnnxRuntimeSession(session, loaded[1], loaded[0], str(optimized))


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


class ProfiledOnnxRuntimeSession(OnnxRuntimeSession, ProfiledSession):
    """Notes every operator of every run, and writes all of it to a file at the end."""

    def __init__(self, session: Any, provider: str, artifact: str, optimized: str) -> None:
        super().__init__(session, provider)
        self._artifact = artifact
        self._optimized = optimized

    def operators(self) -> list[OperatorTime]:
        """Read the profile. An operator inside a loop counts as often as it ran, and not as time of the loop."""
        written = Path(self._session.end_profiling())
        events = json.loads(written.read_text())
        written.unlink()
        file, optimized = read(self._artifact), read(self._optimized)
        led = origins(file, optimized)
        inserted = sum(node.kind in {"ReorderInput", "ReorderOutput"} for node in optimized.nodes)
        self.facts |= {
            "inserted_reorders": str(inserted),
            "operators_in_file": str(len(file.nodes)),
            "operators_run": str(len(optimized.nodes)),
        }
        inferences = _by_inference(events)
        kinds: dict[str, str] = {}
        for each in inferences:
            kinds |= {name: kind for name, (kind, _, _) in each.items()}
        nothing = ("", 0, 0)
        return [
            OperatorTime(
                name,
                kind,
                tuple(1000 * each.get(name, nothing)[1] for each in inferences),
                calls=max(each.get(name, nothing)[2] for each in inferences),
                origins=led.get(name, ()),
            )
            for name, kind in kinds.items()
        ]


def _by_inference(events: list[dict[str, Any]]) -> list[dict[str, tuple[str, int, int]]]:
    """Read kind, microseconds and calls of each operator, for every run, from the trace.

    What ran within another operator (the body of a loop) is taken off the time of that.
    """
    inferences: list[dict[str, tuple[str, int, int]]] = []
    around: list[tuple[str, int]] = []
    for event in sorted(events, key=lambda event: (event["ts"], -event["dur"])):
        if event["name"] == "model_run":
            inferences.append({})
            around = []
        if event["cat"] != "Node" or not event["name"].endswith(_KERNEL) or not inferences:
            continue
        name, kind, taken = event["name"].removesuffix(_KERNEL), event["args"]["op_name"], event["dur"]
        while around and around[-1][1] <= event["ts"]:
            around.pop()
        if around:
            outer, before, calls = inferences[-1][around[-1][0]]
            inferences[-1][around[-1][0]] = (outer, before - taken, calls)
        _, before, calls = inferences[-1].get(name, (kind, 0, 0))
        inferences[-1][name] = (kind, before + taken, calls + 1)
        around.append((name, event["ts"] + taken))
    return inferences


def _built(loaded: Any, lowering: Lowering, options: Any) -> Any:
    import onnxruntime

    artifact, provider = loaded
    settings = {"device_id": str(lowering.device_index)} if lowering.on_gpu else {}
    session = onnxruntime.InferenceSession(artifact, options, providers=[(provider, settings)])
    used = session.get_providers()
    if used[0] != provider:
        raise UnsupportedError(f"onnxruntime fell back to {used[0]}: {provider} could not be set up")
    return session


def _options(lowering: Lowering) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = lowering.threads
    options.inter_op_num_threads = 1
    _tune(options, dict(lowering.options))
    return options


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
