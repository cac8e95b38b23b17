"""Variables with which workers start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.sources.live import backend_of

if TYPE_CHECKING:
    from inferspeed_magic.sources.source import Source


def environment(source: Source | None, device: str, threads: int | None = None) -> dict[str, str]:
    """Variables for a worker: quiet logs, the model's own backend, and GPUs hidden where the CPU is asked for."""
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_minloglevel": "3", "ORT_LOGGING_LEVEL": "3"}
    if device == "cpu":
        variables |= {"CUDA_VISIBLE_DEVICES": "-1", "KERAS_TORCH_DEVICE": "cpu", "JAX_PLATFORMS": "cpu"}
    else:
        # Several processes share the GPU: none may take all of its memory at its start.
        variables["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        variables["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    if source is not None:
        variables["KERAS_BACKEND"] = backend_of(source.kind) if source.kind == "keras" else "tensorflow"
        if threads is not None and variables["KERAS_BACKEND"] == "jax":
            variables["NPROC"] = str(threads)  # the size of its thread pool, which nothing else sets
    return variables
