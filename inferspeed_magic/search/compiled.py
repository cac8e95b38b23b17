"""What a Keras model was compiled with: its own idea of accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inferspeed_magic.search.measure import snake_case
from inferspeed_magic.sources.structure import flatten


@dataclass(frozen=True)
class Compiled:
    """A metric or loss of the model.

    Attributes:
        identifier: name, object or function, as it was given to ``compile``.
        output: position of the output that it looks at, in the order of the model's flat outputs.
        is_loss: whether it is the loss.
    """

    identifier: Any
    output: int
    is_loss: bool


def compiled(model: Any, outputs: int) -> Compiled | None:
    """Find the first metric that the model was compiled with, other than its loss; the loss where there is none.

    Args:
        model: of Keras 3 or tf_keras, or None.
        outputs: number of its outputs; with several the first one that has a metric counts.
    """
    names = output_names(model, outputs)
    loss = _first(_loss(model), outputs, names)
    unlike = None if loss is None else _word(loss[0])
    for nest in _metrics(model):
        found = _first(nest, outputs, names, unlike) or _first(nest, outputs, names)
        if found is not None:
            return Compiled(*found, is_loss=False)
    return None if loss is None else Compiled(*loss, is_loss=True)


def loss_says_regression(model: Any) -> bool | None:
    """Tell by the loss whether outputs are numbers to predict (True) or classes (False); None where it does not say."""
    loss = _loss(model)
    leaves = [] if loss is None else flatten(loss)[0]
    word = _word(leaves[0]) if len(leaves) == 1 else ""
    if any(part in word for part in ("crossentropy", "hinge", "nll")) or word in {"bce", "ce"}:
        return False
    if any(part in word for part in ("error", "huber", "log_cosh", "logcosh", "cosine")) or word in {"mse", "mae"}:
        return True
    return None


def output_names(model: Any, outputs: int) -> list[str]:
    """Give the names by which labels, metrics and losses may call the outputs; positions where there are none."""
    names = getattr(model, "output_names", None) if model is not None else None
    return [str(name) for name in names] if names and len(names) == outputs else []


def position_of(key: str, keys: list[str], names: list[str]) -> int:
    """Give the position of the output that a dict's key means: by name, otherwise by the order of sorted keys."""
    return names.index(key) if key in names else sorted(keys).index(key)


def _metrics(model: Any) -> list[Any]:
    """List the nests of metrics as they were given: those without weights first."""
    holder = getattr(model, "_compile_metrics", None)  # Keras 3
    if holder is None and not hasattr(model, "_compile_metrics"):
        holder = getattr(model, "compiled_metrics", None)  # tf_keras
    nests = (getattr(holder, "_user_metrics", None), getattr(holder, "_user_weighted_metrics", None))
    return [nest for nest in nests if nest]


def _loss(model: Any) -> Any:
    return getattr(model, "loss", None) or None


def _first(nest: Any, outputs: int, names: list[str], unlike: str | None = None) -> tuple[Any, int] | None:
    """Find the first metric in what was given to ``compile``, and the output that it looks at."""
    if nest is None:
        return None
    if isinstance(nest, dict):
        keys = [str(key) for key in nest]
        entries = sorted(
            ((position_of(str(key), keys, names), entry) for key, entry in nest.items()), key=lambda pair: pair[0]
        )
    elif isinstance(nest, list | tuple) and outputs > 1 and len(nest) == outputs:
        entries = list(enumerate(nest))
    else:
        entries = [(0, nest)]
    for position, entry in entries:
        for identifier in [] if entry is None else flatten(entry)[0]:
            if identifier is not None and (unlike is None or _word(identifier) != unlike):
                return identifier, min(position, outputs - 1)
    return None


def _word(identifier: Any) -> str:
    """Give a name by which a metric and a loss can be told to be the same."""
    name = identifier if isinstance(identifier, str) else getattr(identifier, "__name__", type(identifier).__name__)
    return snake_case(name)
