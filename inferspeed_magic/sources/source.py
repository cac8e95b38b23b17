"""One model that the user handed in, whatever it was: what it takes, what it must answer, and where it can go."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import InputError, ModelError
from inferspeed_magic.sources import live
from inferspeed_magic.sources.fingerprint import of_arrays, of_files, of_model
from inferspeed_magic.sources.inputs import checked, made_up, names_and_arrays, with_shapes
from inferspeed_magic.sources.portable import MANIFEST
from inferspeed_magic.sources.precision import precision_of
from inferspeed_magic.sources.quiet import quiet
from inferspeed_magic.sources.structure import Template, flatten, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from inferspeed_magic.records.signature import Signature

    Array = np.ndarray[Any, Any]


_CODE_CLASSES = {"Lambda", "__lambda__", "__typespec__", "ResidualWrapper", "DeviceWrapper", "DropoutWrapper"}


@dataclass(frozen=True)
class LessonFiles:
    """What a model is to be trained with, written down for the process that does it.

    Attributes:
        folder: that ``training.read_lesson`` reads.
        key: hash of all of it.
        limit_s: seconds that one training may take.
        students: names of the smaller models in it; the name of an only one may be empty.
        fine_tune: whether the user's own function trains.
        samples: how many there are to learn from; none where the user's function has its own.
        custom: of each student, the classes and functions that Keras does not know.
    """

    folder: Path
    key: str
    limit_s: float
    students: tuple[str, ...] = ()
    fine_tune: bool = False
    samples: int = 0
    custom: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass
class Source:
    """A model with everything known about its inputs.

    Attributes:
        name: as the user calls it; unique in a run.
        kind: ``keras``, ``tf_keras``, ``saved_model``, ``onnx`` or ``litert``.
        signature: every dimension known, the batch aside.
        template: how inputs are nested.
        model: the live Keras model; None for files of other formats.
        path: the file, for those.
        given: the user's inputs, in flat order; None if they are to be made up.
        notes: for the report.
        facts: more for the portable manifest (the signature's name in a SavedModel).
        subnormal_share: of its weights or of its activations, whichever is larger, once that is known.
        stays_live: why no other process can have the model, once that is known.
        file_precision: what most weights of a file are stored as.
        part: which part of a model this is, where it is not the whole (``sources.preprocessing``).
        whole: the model that this is a part of.
        feed: makes this part's inputs from those of the whole.
        calibration: samples for techniques that need ranges of activations, in flat order; None without any.
        own_calibration: whether the user gave these for that purpose.
        lesson: what it can be trained with; None where there is nothing.
    """

    name: str
    kind: str
    signature: Signature
    template: Template
    model: Any = None
    path: Path | None = None
    given: list[Array] | None = None
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    file_precision: str = "float32"
    stays_live: str | None = None
    subnormal_share: float = 0.0
    part: str = ""
    whole: Source | None = None
    feed: Callable[[list[Array]], list[Array]] = list
    calibration: list[Array] | None = None
    own_calibration: bool = False
    lesson: LessonFiles | None = None

    @property
    def key(self) -> str:
        """Tells the parts of a model apart; unique in a run."""
        return f"{self.name} {self.part}".strip()

    @property
    def precision(self) -> str:
        """Precision of the model's arithmetic: the lowest of any of its layers."""
        return precision_of(self.model) if self.model is not None else self.file_precision

    def fingerprint(self) -> str:
        """Hash the model: equal hashes mean the same model."""
        if self.model is None:
            return of_files(Path(self.facts.get("path") or self.path or "")) + json.dumps(self.facts, sort_keys=True)
        return of_model(self.model, self.kind)

    def calibration_key(self) -> str:
        """Hash the samples for calibration."""
        return of_arrays(self.calibration or [])[:32]

    @property
    def has_real_inputs(self) -> bool:
        """Whether the user gave inputs."""
        return (self.whole or self).given is not None

    def samples(self, count: int, seed: int) -> list[Array]:
        """Return inputs to run with: the user's, or made-up ones that give finite outputs."""
        if self.whole is not None:
            return self.feed(self.whole.samples(count, seed))
        if self.given is not None:
            return self.given
        probe = self.signature.fixed_batch or 1
        count = max(count, probe)
        arrays = made_up(self.signature, count, seed)
        if self.model is not None and not _finite(self.outputs([array[:probe] for array in arrays])):
            arrays = made_up(self.signature, count, seed, positive=True)
        return arrays

    def random_batches(self, batch_size: int, seed: int) -> list[list[Array]]:
        """Return one random batch on which the model answers with numbers; none where it takes no random ones."""
        if self.whole is not None:
            return [self.feed(batch) for batch in self.whole.random_batches(batch_size, seed)]
        for positive in (False, True):
            arrays = made_up(self.signature, batch_size, seed, positive=positive)
            with contextlib.suppress(ModelError):
                if self.model is None or _finite(self.outputs(arrays)):
                    return [arrays]
        return []

    def try_out(self, seed: int) -> None:
        """Run the live model once, so that a mistake shows before any long work.

        Raises:
            ModelError: if the model fails on its inputs.
        """
        if self.model is not None:
            batch = self.signature.fixed_batch or 1
            self.outputs([np.resize(array[:batch], (batch, *array.shape[1:])) for array in self.samples(batch, seed)])

    def output_template(self) -> Template:
        """Run the live model on one sample and tell how its outputs are nested; files answer with a flat list.

        Raises:
            ModelError: if the model fails.
        """
        if self.model is None:
            return 0
        whole = live.portable(self.model, self.kind, self.signature, self.template)
        batch = self.signature.fixed_batch or 1
        sample = [np.resize(array[:batch], (batch, *array.shape[1:])) for array in self.samples(batch, seed=0)]
        with live.begun_anew(self.model), quiet():
            return flatten(whole.call(whole.pack(sample)))[1]

    def outputs(self, inputs: Sequence[Array]) -> list[Array]:
        """Run the live model in this process: what every artifact has to agree with.

        Raises:
            ModelError: if the model fails on these inputs.
        """
        (answer,) = self.answers([inputs])
        return answer

    def answers(self, batches: Sequence[Sequence[Array]], *, traced: bool = False) -> list[list[Array]]:
        """Run it on one batch after the other. A model that remembers its last call begins anew, and is left as it was.

        Args:
            batches: inputs in flat order.
            traced: run it as a graph (TensorFlow only), not layer by layer.

        Raises:
            ModelError: if the model fails on these inputs.
        """
        portable = live.portable(self.model, self.kind, self.signature, self.template)
        call = portable.traced() if traced else portable.call
        try:
            with live.begun_anew(self.model), quiet(), portable.device_scope("cpu")():
                return [portable.to_numpy(call(portable.pack(inputs))) for inputs in batches]
        except KeyboardInterrupt:
            raise
        except Exception as error:
            what = "the inputs given" if self.given is not None else "made-up inputs; give real ones with --input"
            raise ModelError(f"`{self.name}` cannot be run on {what}: {_first_line(error)}") from error

    def write_portable(self, folder: Path) -> None:
        """Write what the Keras call paths and the converters read in their processes."""
        facts = live.manifest(self.kind, self.signature, self.template) | self.facts
        if self.kind == "saved_model":
            folder.mkdir(exist_ok=True)
            (folder / MANIFEST).write_text(json.dumps(facts))
            return
        with quiet():
            live.write(folder, self.model, self.kind, facts)


def from_model(name: str, model: Any, kind: str, inputs: Any, shapes: Sequence[Sequence[int]] | None) -> Source:
    """Describe a live model; build it first if it never was and the inputs are known.

    Raises:
        UserError: what is missing or does not fit, and the mend.
    """
    described = live.describe(name, model)
    if described is None:
        _build(name, model, inputs, shapes)
        described = live.describe(name, model)
    if described is None:
        if inputs is None:
            raise ModelError(f"`{name}` does not say what its inputs are: give some with --input")
        names, arrays, template = names_and_arrays(inputs)
        return Source(name, kind, live.describe_from(model, arrays, names), template, model, given=arrays)
    signature, template = described
    if inputs is not None:
        signature, given = checked(name, signature, inputs)
        return Source(name, kind, signature, template, model, given=given)
    return Source(name, kind, with_shapes(name, signature, shapes), template, model)


def _build(name: str, model: Any, inputs: Any, shapes: Sequence[Sequence[int]] | None) -> None:
    """Call a model that was never built once, as its user would have to."""
    if inputs is not None:
        leaves, template = flatten(inputs)
        first: Any = pack(template, [np.asarray(leaf)[:1] for leaf in leaves])
    elif shapes is not None:
        draw = np.random.default_rng(0)
        arrays = [draw.random((1, *shape)).astype("float32") for shape in shapes]
        first = arrays[0] if len(arrays) == 1 else arrays
    else:
        raise ModelError(
            f"`{name}` was never built, so its inputs are unknown: give --input-shape (as in 28,28,1), "
            "or data with --input, or call the model once"
        )
    try:
        model(first)
    except Exception as error:
        raise InputError(f"`{name}` cannot be built with these inputs: {_first_line(error)}") from error


def from_keras_file(name: str, path: Path, inputs: Any, shapes: Sequence[Sequence[int]] | None) -> Source:
    """Read a ``.keras`` or ``.h5`` file in Keras's safe mode; what Keras 3 refuses of old files, tf_keras may read.

    Raises:
        ModelError: for files that cannot be read, or that hold code.
    """
    model, kind, notes = _load(path)
    source = from_model(name, model, kind, inputs, shapes)
    source.notes = notes
    return source


def _load(path: Path) -> tuple[Any, str, tuple[str, ...]]:
    legacy = path.suffix.lower() != ".keras"
    if legacy:
        _refuse_code(path)
    import keras

    with quiet():
        try:
            return keras.saving.load_model(path, compile=False, safe_mode=True), "keras", ()
        except Exception as error:  # noqa: BLE001  (Keras raises whatever its layers raise)
            unknown = re.search(r"Unrecognized keyword arguments passed to \w+: \{.*?\}", str(error))
            refusal = unknown.group(0) if unknown else _first_line(error)
        if not legacy:
            raise ModelError(_unreadable(path, refusal))
        import tf_keras
        from tf_keras.src.saving.serialization_lib import SafeModeScope

        try:
            # Its loader of old files sets no safe mode by itself.
            with SafeModeScope(safe_mode=True):
                model = tf_keras.models.load_model(path, compile=False)
        except Exception as error:
            raise ModelError(_unreadable(path, f"{refusal}; tf_keras: {_first_line(error)}")) from error
    return model, "tf_keras", (f"read through tf_keras, since Keras 3 refuses the file: {refusal}",)


def _unreadable(path: Path, refusal: str) -> str:
    if "unsafe" in refusal.lower() or "lambda" in refusal.lower() or "safe_mode" in refusal:
        return (
            f"{path.name} holds Python code (a Lambda layer or the like), which could do anything when loaded; if you "
            "trust it, load it yourself with keras.saving.load_model(path, safe_mode=False) and give the model"
        )
    if "Could not locate class" in refusal or "Unknown layer" in refusal or "could not be deserialized" in refusal:
        return f"{path.name} needs classes that are not registered: load it yourself and give the model ({refusal})"
    return f"{path.name} cannot be read as a Keras model: {refusal}"


def _refuse_code(path: Path) -> None:
    """Old files can hold marshalled functions, which their loaders run: look before loading."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            config = file.attrs.get("model_config")
    except OSError as error:
        raise ModelError(f"{path.name} is not an HDF5 file, or it is damaged: {_first_line(error)}") from error
    if config is None:
        raise ModelError(f"{path.name} holds weights only, without the model: save the whole model with model.save()")
    try:
        parts = _layers(json.loads(config))
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path.name} is damaged: its description of the model is not JSON") from error
    if any(_holds_code(part) for part in parts):
        raise ModelError(_unreadable(path, "Lambda"))


def _holds_code(part: dict[str, Any]) -> bool:
    """Whether reading this part of a configuration could run code that came with the file.

    The names are those of the classes whose configuration holds a function, as marshalled code or as the name of any
    function of any module; and a ``module`` outside of Keras is imported, which runs it.
    """
    names = {str(part.get(key, "")).rpartition(".")[2].rpartition(">")[2] for key in ("class_name", "registered_name")}
    root = str(part.get("module") or "keras").partition(".")[0]
    return bool(names & _CODE_CLASSES) or root not in {"keras", "tf_keras", "tensorflow", "builtins"}


def _layers(part: Any) -> list[dict[str, Any]]:
    if isinstance(part, dict):
        own = [part] if {"class_name", "registered_name", "module"} & set(part) else []
        return own + [layer for value in part.values() for layer in _layers(value)]
    if isinstance(part, list):
        return [layer for value in part for layer in _layers(value)]
    return []


def _finite(arrays: list[Array]) -> bool:
    return all(np.isfinite(array).all() for array in arrays if array.dtype.kind in "fc")


def _first_line(error: BaseException) -> str:
    """Say what happened; Keras puts where it happened before that, and bold type around it."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        del lines[0]
    return (lines[0] if lines else type(error).__name__)[:300]
