"""What the four Keras call paths share: reading the model, and a session that goes from numpy to numpy."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from inferspeed_magic.runtimes.base import Capabilities, Lowering, Runtime, Session, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from inferspeed_magic.sources.portable import PortableModel


class KerasRuntime(Runtime):
    """A call path of Keras. The model stays the user's own object; nothing is converted.

    Each call path and batch size reads the file for itself, as a program that uses only this one would.
    """

    distribution = "keras"
    module = "keras"
    install_command = "pip install keras tensorflow"
    group = "keras"
    # TensorFlow's trace is of the threads of a pool, under scopes that it numbers (formats.layer_names).
    unprofiled = "is not profiled by operator: times of threads that run side by side do not add up to an inference"

    def capabilities(self) -> Capabilities:
        """CPU and GPU, from what the sources write."""
        return Capabilities(devices=("cpu", "gpu"), formats=("keras",), batch_in_artifact=False)

    def prepare(self, lowering: Lowering) -> None:
        """Import the backend, and set its threads before its first operation."""
        import keras

        if keras.backend.backend() == "torch":
            import torch

            torch.set_num_threads(lowering.threads)
            return
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(lowering.threads)
        tf.config.threading.set_inter_op_parallelism_threads(lowering.threads)

    def load(self, artifact: str, lowering: Lowering) -> PortableModel:
        """Read the model."""
        from inferspeed_magic.sources.portable import read

        if lowering.on_gpu:
            _assert_gpu(lowering.device_index)
        return read(artifact)

    def compile(self, loaded: PortableModel, lowering: Lowering) -> Session:
        """Build what this call path calls."""
        call = self.callable(loaded, lowering)
        return KerasSession(loaded, call, lowering)

    @abstractmethod
    def callable(self, model: PortableModel, lowering: Lowering) -> Callable[[Any], Any]:
        """Return the function that this call path calls with the model's inputs, in their structure."""


class KerasSession(Session):
    """Arrays in, arrays out, on the device asked for."""

    def __init__(self, model: PortableModel, call: Callable[[Any], Any], lowering: Lowering) -> None:
        self._model = model
        self._call = call
        self._scope = model.device_scope(lowering.device)
        self._asserted = False
        self.facts = {"backend": model.backend, "device": lowering.device}

    def run(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Call, and bring the outputs to the host: that waits for work that runs asynchronously."""
        with self._scope():
            outputs = self._call(self._model.pack(inputs))
            if not self._asserted:
                self._asserted = True
                self.facts["device"] = self._model.device_of(outputs) or self.facts["device"]
            return self._model.to_numpy(outputs)


def _assert_gpu(index: int) -> None:
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        count = len(tf.config.list_physical_devices("GPU"))
    elif backend == "torch":
        import torch

        count = torch.cuda.device_count()
    else:
        import jax

        count = sum(device.platform == "gpu" for device in jax.devices())
    if index >= count:
        raise UnsupportedError(f"Keras on {backend} sees {count} GPUs here, so there is no gpu:{index}")
