"""What a student learns from inside its teacher: the features that two of their layers make of the same samples."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LEAST = 1e-6
#: Names that one line has room for.
_FEW = 12


def check_features(teacher: Any, student: Any, features: Mapping[str, str]) -> None:
    """Make sure that both models have the layers that are named.

    Args:
        teacher: a Keras 3 model.
        student: another one.
        features: layers of the teacher, and which of the student's learns from each.

    Raises:
        UnsupportedError: in one line, where one of them does not.
    """
    for model, what, names in ((teacher, "the teacher", features), (student, "the student", features.values())):
        for name in names:
            _output(model, what, name)


def with_features(model: Any, what: str, names: Sequence[str], keras: Any) -> Any:
    """Give a model of the same weights that answers with features, too.

    Args:
        model: Sequential or functional.
        what: it is called in an error.
        names: of layers.
        keras: the library.

    Returns:
        A model whose outputs are a flat list: the answers, then what each layer makes.

    Raises:
        UnsupportedError: where there is no such layer.
    """
    taken = _nested(model.inputs, model, "input", keras)
    return keras.Model(taken, [*model.outputs, *(_output(model, what, name) for name in names)])


def nested_answers(model: Any, keras: Any) -> Any:
    """Give the answers of a graph of layers, nested as it gives them.

    Args:
        model: Sequential or functional.
        keras: the library.

    Returns:
        A nest of symbolic tensors.
    """
    return _nested(model.outputs, model, "output", keras)


def feature_loss(keras: Any) -> Callable[[Sequence[Any], Sequence[Any]], Any]:
    """Make the loss between a teacher's and a student's features.

    Features of the same shape are compared number by number, in units of the teacher's variance (Keras's
    ``FeatureDistillation``; Romero and others, "FitNets: hints for thin deep nets", 2015,
    https://arxiv.org/abs/1412.6550). Of others it is compared how alike they find the samples of a batch (Tung and
    Mori, "Similarity-preserving knowledge distillation", 2019, https://arxiv.org/abs/1907.09682).

    Args:
        keras: the library.

    Returns:
        Takes lists of the teacher's and the student's features of a batch; gives the mean over pairs.
    """
    ops = keras.ops
    by_number = keras.distillation.FeatureDistillation("mse")

    def alike(features: Any) -> Any:
        flat = ops.reshape(features, (ops.shape(features)[0], -1))
        products = ops.matmul(flat, ops.transpose(flat))
        norms = ops.sqrt(ops.sum(ops.square(products), axis=1, keepdims=True))
        return products / ops.maximum(norms, _LEAST)

    def one(taught: Any, seen: Any) -> Any:
        taught, seen = ops.cast(taught, "float32"), ops.cast(seen, "float32")
        if taught.shape[1:] == seen.shape[1:]:
            return by_number.compute_loss(taught, seen) / ops.maximum(ops.var(taught), _LEAST)
        samples = ops.cast(ops.shape(taught)[0], "float32")
        return ops.mean(ops.square(alike(taught) - alike(seen))) * samples

    def loss(taught: Sequence[Any], seen: Sequence[Any]) -> Any:
        return sum(one(*each) for each in zip(taught, seen, strict=True)) / len(taught)

    return loss


def _nested(flat: Sequence[Any], model: Any, end: str, keras: Any) -> Any:
    """Nest inputs or outputs: a Sequential has no `input` and no `output` before it is called symbolically."""
    if isinstance(model, keras.Sequential):
        return flat[0] if len(flat) == 1 else list(flat)
    return getattr(model, end)


def _output(model: Any, what: str, name: str) -> Any:
    """Give the tensor that a layer makes."""
    if not getattr(model, "inputs", None):
        raise UnsupportedError(f"{what} is no graph of layers: features are those of Sequential and functional models")
    names = [layer.name for layer in model.layers]
    if name not in names:
        close = get_close_matches(name, names, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        listed = ", ".join([*names[:_FEW], *["..."] * (len(names) > _FEW)])
        raise UnsupportedError(f"{what} has no layer `{name}`: {hint}it has {listed}")
    try:
        tensor = model.get_layer(name).output
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise UnsupportedError(f"what the layer `{name}` of {what} makes is not known: {reason}") from error
    if isinstance(tensor, list | tuple | dict):
        raise UnsupportedError(f"the layer `{name}` of {what} makes several tensors: name one that makes one")
    return tensor
