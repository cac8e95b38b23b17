"""Which models convert the plain way: a look into the file, without reading the model."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

#: Layers that TensorFlow traces into operators that all converters know, whatever their settings.
_PLAIN = {
    *("Functional", "Sequential", "InputLayer", "Model"),
    *("Dense", "Embedding", "EinsumDense", "MultiHeadAttention", "GroupQueryAttention", "Attention"),
    *("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
    *("BatchNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization", "Normalization"),
    *("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D"),
    *("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D"),
    *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"),
    *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"),
    *("Flatten", "Reshape", "Permute", "RepeatVector", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D"),
    *("UpSampling1D", "UpSampling2D", "Rescaling"),
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "ActivityRegularization"),
}
#: What a configuration holds beside layers.
_NO_LAYERS = {"__tensor__", "__keras_tensor__", "DTypePolicy", "Policy", "slice"}
_OTHER_PARTS = ("initializers", "regularizers", "constraints", "optimizers", "losses", "metrics")
#: Beyond this, weights have to stay out of the graph.
_MOST_BYTES = 250_000_000


@dataclass(frozen=True)
class Look:
    """What a model's file tells.

    Attributes:
        plain: whether every layer is known to convert the plain way.
        gelu: whether GELU is in it.
        code: whether it holds Python code (Lambda).
        own: names under which the file knows classes that are not Keras's.
        text: the whole configuration.
        small: whether it fits into the formats on the way, which hold at most 2 GB and are copied several times.
    """

    plain: bool
    gelu: bool = False
    code: bool = False
    own: tuple[str, ...] = ()
    text: str = ""
    small: bool = True


def look_into(file: Path, kind: str) -> Look:
    """Look into the file of a model; what cannot be read is not plain."""
    try:
        small = file.is_dir() or sum(each.stat().st_size for each in _with_weights(file)) <= _MOST_BYTES
        if kind not in {"keras", "tf_keras"}:
            return Look(plain=False, small=small)
        configuration = _configuration(file)
    except (OSError, ValueError, KeyError, ImportError):
        return Look(plain=False)
    parts = _parts(configuration)
    names = {str(each.get("class_name")) for each in parts if not _is_no_layer(each)}
    text = json.dumps(configuration)
    reduced = any(word in text for word in ("float16", "bfloat16", '"float64"', "QuantizedDTypePolicy"))
    return Look(
        plain=small and names <= _PLAIN and not reduced,
        gelu="gelu" in text.lower(),
        code="Lambda" in names or "__lambda__" in text,
        own=tuple(sorted({str(each["registered_name"]) for each in parts if _is_own(each)})),
        text=text,
        small=small,
    )


def both(look: Look, other: Look) -> Look:
    """See two models that one script reads as one: what is true of either has to be done for both."""
    return Look(
        plain=look.plain and other.plain,
        gelu=look.gelu or other.gelu,
        code=look.code or other.code,
        own=tuple(sorted({*look.own, *other.own})),
        text=look.text + other.text,
        small=look.small and other.small,
    )


def _with_weights(file: Path) -> list[Path]:
    """List a file and those that lie beside it under its name: weights of ONNX files."""
    return [each for each in file.parent.iterdir() if each.is_file() and each.name.startswith(file.name)]


def _configuration(file: Path) -> Any:
    if file.suffix == ".keras":
        with zipfile.ZipFile(file) as archive:
            return json.loads(archive.read("config.json"))
    import h5py

    with h5py.File(file, "r") as stored:
        return json.loads(stored.attrs["model_config"])


def _parts(configuration: Any) -> list[dict[str, Any]]:
    if isinstance(configuration, dict):
        own = [configuration] if "class_name" in configuration else []
        return own + [part for value in configuration.values() for part in _parts(value)]
    if isinstance(configuration, list):
        return [part for value in configuration for part in _parts(value)]
    return []


def _is_no_layer(part: dict[str, Any]) -> bool:
    """Tell initializers and the like, which inference has nothing to do with."""
    return part["class_name"] in _NO_LAYERS or any(each in str(part.get("module")) for each in _OTHER_PARTS)


def _is_own(part: dict[str, Any]) -> bool:
    root = str(part.get("module") or "").partition(".")[0]
    return bool(part.get("registered_name")) and root not in {"keras", "tf_keras", "builtins"}
