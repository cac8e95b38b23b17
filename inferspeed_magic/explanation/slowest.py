"""The layer that takes longest, and what goes with it when a model is measured without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.explanation.graph_places import Place, consumers, hands_on, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inferspeed_magic.records import LayerTime

#: What converters fold into the weights before it.
_FOLDS = "BatchNormalization"
#: Kinds of operators that change the layout, whatever layer they are named after.
_LAYOUT = {"Transpose", "Reshape", "Reorder", "ReorderInput", "ReorderOutput"}
#: Names that a sentence bears.
_MOST_NAMES = 3


@dataclass(frozen=True)
class Slowest:
    """Layers that a model is to be measured without.

    Attributes:
        paths: of names; the slowest layer first, then those that run in its operators.
        time_us: what the profile says of all of them together.
        detail: what is taken out, and what stands in its place.
    """

    paths: tuple[str, ...]
    time_us: float
    detail: str


def slowest(times: Sequence[LayerTime], model: Any, keras: Any) -> Slowest | None:
    """Choose the layer of a graph that takes longest; layers inside of it (projections in attention) count for it.

    Layers that the runtime fused with it go, too, where they hand on what they take: left alone they would run as
    operators of their own, which they never did. Those that join branches or change shapes stay.

    Args:
        times: of the layers of one model, on one runtime.
        model: Sequential or functional, of Keras 3, built.
        keras: the library.

    Returns:
        None where no layer has a time.

    Raises:
        UnsupportedError: where what takes longest is no layer of the graph.
    """
    rows = [each for each in times if each.layer]
    places = {each.layer: place_of(model, each.layer, keras) for each in rows}
    spent: dict[str, float] = {}
    for each in rows:
        if each.time_us > 0:
            name = _name(places, each.layer)
            spent[name] = spent.get(name, 0.0) + each.time_us
    if not spent:
        return None
    longest = max(spent, key=spent.__getitem__)
    place = place_of(model, longest, keras)
    if place is None:
        raise UnsupportedError(f"{longest} takes longest, and is no layer of the model's own graph")
    together = {each.path: each for each in (*_folded(rows, place, keras), *_fused(rows, places, longest))}.values()
    gone = [each.path for each in together if hands_on(each, keras)]
    stay = [each.path for each in together if each.path not in gone]
    detail = _words(place, gone, stay, alike=hands_on(place, keras))
    return Slowest((place.path, *gone), spent[longest], detail)


def _name(places: Mapping[str, Place | None], layer: str) -> str:
    place = places.get(layer)
    return layer if place is None else place.path


def _fused(rows: Sequence[LayerTime], places: Mapping[str, Place | None], owner: str) -> list[Place]:
    """List the layers that have no operators but those of the owner."""
    into: dict[str, set[str | None]] = {}
    found: dict[str, Place] = {}
    for each in rows:
        name, place = _name(places, each.layer), places[each.layer]
        into.setdefault(name, set()).add(None if each.fused_into is None else _name(places, each.fused_into))
        if place is not None:
            found[name] = place
    return [place for name, place in found.items() if name != owner and into[name] == {owner}]


def _folded(rows: Sequence[LayerTime], place: Place, keras: Any) -> list[Place]:
    """List the normalizations behind a layer that no operator computes: converters fold them into its weights."""
    begin = place.path.removesuffix(place.layer.name)
    computed = {each.layer for each in rows if set(each.operators) - _LAYOUT or each.fused_into is not None}
    behind = {id(each): each for each in consumers(place, keras) if type(each).__name__ == _FOLDS}
    found = [Place(f"{begin}{each.name}", each, place.graph) for each in behind.values()]
    return [each for each in found if each.path not in computed]


def _words(place: Place, gone: list[str], stay: list[str], *, alike: bool) -> str:
    words = f"without {place.path} ({type(place.layer).__name__}), its slowest layer"
    if gone:
        words += f", and {_listed(gone)} in the same operator"
    words += (
        ": its input is handed on"
        if alike
        else ": in its place stands its input, cut or filled up to the shape of its output"
    )
    return f"{words}; {_listed(stay)}, fused into it, {'stays' if len(stay) == 1 else 'stay'}" if stay else words


def _listed(names: list[str]) -> str:
    if len(names) > _MOST_NAMES:
        names = [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
