"""A Keras model on its way to a worker: a folder that another process can read, and the model read from it.

The folder holds the model in Keras's own format, the classes and functions that Keras does not know (pickled by value,
so that a layer defined in a notebook arrives), and how its inputs are nested. It is written and read by us alone, in a
temporary folder of this run: nothing that came from elsewhere is ever unpickled.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.sources.array_files import plain
from inferspeed_magic.sources.structure import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Array = np.ndarray[Any, Any]

MANIFEST = "portable.json"
#: Classes and functions that Keras does not know.
PICKLED = "custom.pkl"
_LIVE: dict[str, PortableModel] = {}


class PortableModel:
    """A model as the Keras call paths and the converters need it.

    Args:
        model: the Keras model, or a signature of a SavedModel.
        library: ``keras``, ``tf_keras`` or ``saved_model``.
        backend: of Keras: ``tensorflow``, ``jax`` or ``torch``.
        manifest: nesting, names, shapes and dtypes of the inputs.
        keep: whatever must live as long as the model.
    """

    def __init__(self, model: Any, library: str, backend: str, manifest: dict[str, Any], keep: Any = None) -> None:
        self.model = model
        self.library = library
        self.backend = backend
        self.manifest = manifest
        self._keep = keep
        self._template = manifest["structure"]

    @property
    def has_predict(self) -> bool:
        """Whether this is a Keras model, not only its functions."""
        return self.library != "saved_model"

    def pack(self, flat: Sequence[Any]) -> Any:
        """Nest a flat list of inputs as the model expects them."""
        if isinstance(self._template, int):
            return flat[0]
        return pack(self._template, flat)

    def call(self, inputs: Any) -> Any:
        """Call the model in inference mode."""
        if self.library == "saved_model":
            import tensorflow as tf

            return self.model(**{name: tf.convert_to_tensor(value) for name, value in inputs.items()})
        return self.model(inputs, training=False)

    def traced(self) -> Callable[[Any], Any]:
        """Return what calls the model as a graph of TensorFlow."""
        import tensorflow as tf

        traced: Callable[[Any], Any] = tf.function(self.call, autograph=False)
        return traced

    def flatten(self, outputs: Any) -> list[Any]:
        """Flatten the outputs, as the library itself does."""
        if self.library == "keras":
            import keras

            return list(keras.tree.flatten(outputs))
        import tensorflow as tf

        return list(tf.nest.flatten(outputs))

    def to_numpy(self, outputs: Any) -> list[Array]:
        """Flatten the outputs and bring them to the host."""
        flat = self.flatten(outputs)
        if self.backend == "tensorflow":
            return [plain(np.asarray(value)) for value in flat]
        import keras

        return [plain(np.asarray(keras.ops.convert_to_numpy(value))) for value in flat]

    def device_scope(self, device: str) -> Callable[[], contextlib.AbstractContextManager[Any]]:
        """Return what enters the device; the first of a kind is the default, and entering it would only cost time."""
        if device in {"gpu", "gpu:0"} or (device == "cpu" and not self._sees_accelerator()):
            return contextlib.nullcontext
        if self.backend == "tensorflow":
            import tensorflow as tf

            return lambda: tf.device("/CPU:0" if device == "cpu" else f"/{device.upper()}")
        import keras

        return lambda: keras.device(device)

    def _sees_accelerator(self) -> bool:
        """Whether this process has anything but the CPU; workers for the CPU have not, the kernel may."""
        if self.backend == "tensorflow":
            import tensorflow as tf

            return len(tf.config.list_physical_devices()) > len(tf.config.list_physical_devices("CPU"))
        if self.backend == "torch":
            import torch

            return bool(torch.cuda.is_available() or torch.backends.mps.is_available())
        import jax

        return any(device.platform != "cpu" for device in jax.devices())

    def device_of(self, outputs: Any) -> str | None:
        """Name the kind of device on which outputs lie; None where they do not tell (numpy arrays)."""
        for value in self.flatten(outputs):
            where = str(getattr(value, "device", "")).lower()
            if "gpu" in where or "cuda" in where:
                return "gpu"
            if "cpu" in where:
                return "cpu"
        return None

    def specs(self, batch_size: int | None, rename: Callable[[int, str], str] = lambda _, name: name) -> list[Any]:
        """Describe the inputs to TensorFlow.

        Args:
            batch_size: of all of them; None for any.
            rename: makes the name of an input from its position and the name it has.
        """
        import tensorflow as tf

        return [
            tf.TensorSpec(
                (batch_size, *spec["shape"]),
                "string" if spec["dtype"] == "str" else spec["dtype"],
                name=rename(position, spec["name"]),
            )
            for position, spec in enumerate(self.manifest["inputs"])
        ]

    def function(self, batch_size: int | None, *, xla: bool = False) -> Any:
        """Make a ``tf.function`` from flat inputs to a flat list of outputs."""
        import tensorflow as tf

        def infer(*flat: Any) -> list[Any]:
            return self.flatten(self.call(self.pack(flat)))

        return tf.function(infer, input_signature=self.specs(batch_size, _argument), jit_compile=True if xla else None)

    def compiled(self, batch_size: int, *, xla: bool) -> Callable[[Any], Any]:
        """Compile with the backend and return a function of nested inputs.

        TensorFlow traces before this returns; JAX and PyTorch compile in the first inference.
        """
        if self.backend == "jax":
            return self._jax()
        if self.backend == "torch":
            return self._torch()
        import tensorflow as tf

        function = self.function(batch_size, xla=xla)
        function.get_concrete_function()
        leaves = tf.nest.flatten
        return lambda inputs: function(*[tf.convert_to_tensor(value) for value in leaves(inputs)])

    def _jax(self) -> Callable[[Any], Any]:
        import jax

        model = self.model
        trainable = [variable.value for variable in model.trainable_variables]
        others = [variable.value for variable in model.non_trainable_variables]

        def infer(trained: Any, rest: Any, inputs: Any) -> Any:
            return model.stateless_call(trained, rest, inputs, training=False)[0]

        jitted = jax.jit(infer)
        return lambda inputs: jitted(trainable, others, inputs)

    def _torch(self) -> Callable[[Any], Any]:
        import torch

        compiled = torch.compile(self.model)

        def infer(inputs: Any) -> Any:
            with torch.no_grad():
                return compiled(inputs, training=False)

        return infer


def _argument(position: int, _: str) -> str:
    """Name an argument; what users call their inputs need not be an identifier."""
    return f"input_{position}"


def keep_live(key: str, model: PortableModel | None) -> None:
    """Let ``read("live:KEY")`` find a model of this process (for models that no other process can rebuild)."""
    if model is None:
        _LIVE.pop(key, None)
    else:
        _LIVE[key] = model


def read(path: str) -> PortableModel:
    """Read what ``write`` (of ``sources.live``) or the description of a SavedModel wrote."""
    if path.startswith("live:"):
        return _LIVE[path.removeprefix("live:")]
    folder = Path(path)
    manifest = json.loads((folder / MANIFEST).read_text())
    library = manifest["library"]
    if library == "saved_model":
        import tensorflow as tf

        loaded = tf.saved_model.load(manifest["path"])
        return PortableModel(loaded.signatures[manifest["signature"]], library, "tensorflow", manifest, keep=loaded)
    custom: dict[str, Any] = {}
    if (folder / PICKLED).is_file():
        import cloudpickle

        custom = cloudpickle.loads((folder / PICKLED).read_bytes())
        for kind in custom.values():
            if isinstance(kind, type):
                _spare_unknown_arguments(kind)
                _settle_in_main(kind)
    return _read_keras(folder, library, manifest, custom)


def _read_keras(folder: Path, library: str, manifest: dict[str, Any], custom: dict[str, Any]) -> PortableModel:
    file = str(folder / manifest["file"])
    if library == "tf_keras":
        import tf_keras

        with tf_keras.saving.custom_object_scope(custom):
            model = tf_keras.models.load_model(file, compile=False, safe_mode=False)
        return PortableModel(model, library, "tensorflow", manifest)
    import keras

    keras.config.set_floatx(manifest["floatx"])
    keras.config.set_image_data_format(manifest["image_data_format"])
    # A scope, since the argument custom_objects does not reach the layers inside a model.
    with keras.saving.custom_object_scope(custom):
        model = keras.saving.load_model(file, compile=False, safe_mode=False)
    return PortableModel(model, library, keras.backend.backend(), manifest)


def _settle_in_main(kind: type) -> None:
    """Put what a notebook's class refers to where it was: PyTorch's compiler looks it up in ``__main__``."""
    if kind.__module__ != "__main__":
        return
    for method in vars(kind).values():
        for name, value in getattr(inspect.unwrap(method) if callable(method) else None, "__globals__", {}).items():
            vars(sys.modules["__main__"]).setdefault(name, value)


def _spare_unknown_arguments(kind: Any) -> None:
    """Let a class be rebuilt whose ``__init__`` does not take ``trainable`` and ``dtype``, as most in notebooks do not.

    Keras writes both into every configuration and hands them back. What is rebuilt this way is compared with the
    original before it is used.
    """
    parameters = inspect.signature(kind.__init__).parameters
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        return
    original = kind.from_config.__func__
    if original.__module__.partition(".")[0] not in {"keras", "tf_keras"}:
        return

    def from_config(cls: Any, /, config: dict[str, Any], **more: Any) -> Any:
        known = {name: value for name, value in config.items() if name in parameters}
        return original(cls, known, **more)

    kind.from_config = classmethod(from_config)
