"""The same model without some of its layers: what is measured to see what they really cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.explanation.graph_places import is_alike, place_of
from inferspeed_magic.explanation.stand_in import stand_in
from inferspeed_magic.pruning.tracing import graph_of, is_graph
from inferspeed_magic.sources.structure import flatten
from inferspeed_magic.techniques.keras_folder import opened, save

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Between paths of layers, where they travel as one word.
SEPARATOR = "\n"


def take_out(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    layers: str,
) -> None:
    """Write a model without some of its layers, as a step of a conversion.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model.
        target: folder to write.
        batch_size: not used.
        inputs: not used: the folder says more.
        layers: paths of names, as in ``LayerCount``, one a line.

    Raises:
        UnsupportedError: for what is no graph of layers of Keras 3, and for layers that nothing can stand in for.
    """
    del state, batch_size, inputs
    found = opened(source)
    if found.library != "keras":
        raise UnsupportedError("layers are taken out of models of Keras 3, and this is one of tf_keras")
    shapes = [tuple(each["shape"]) for each in found.manifest["inputs"]]
    save(without(found.model, layers.split(SEPARATOR), shapes), found, source, target)


def without(model: Any, paths: Sequence[str], shapes: Sequence[tuple[int, ...]] | None = None) -> Any:
    """Build a model again in which layers are left out.

    A layer whose one input has the shape and dtype of its output is replaced by the identity; for others there is
    a stand-in, which gives the right shape, costs a copy of it, and depends on all of the layer's inputs, so that
    no runtime leaves out what was computed for them.

    Args:
        model: a Sequential or functional model of Keras 3, built. All other layers are taken over as they are, weights
            and all: give a copy of a model that is needed on.
        paths: of the layers, as in ``LayerCount``; every call of each of them is replaced.
        shapes: of the inputs without the batch, for models that leave dimensions open; in the order of the portable
            manifest.

    Returns:
        A functional model with the same inputs, and outputs of the same shapes.

    Raises:
        UnsupportedError: for a model that is no graph of layers, a layer that it does not have, and one whose output
            has another batch or an unknown shape.
    """
    import keras

    if not is_graph(model, keras):
        raise UnsupportedError("of a subclassed model only its own code knows how layers are connected")
    targets = set()
    for path in paths:
        place = place_of(model, path, keras)
        if place is None:
            raise UnsupportedError(f"{path} is no layer of the model's graph")
        targets.add(id(place.layer))
    leaves, _ = flatten(graph_of(model, keras).input)
    known = {} if shapes is None else {id(leaf): shape for leaf, shape in zip(leaves, shapes, strict=True)}
    return _Without(targets, keras).rebuilt(model, known)


class _Without:
    """Leads tensors through a graph again, past some of its layers."""

    def __init__(self, targets: set[int], keras: Any) -> None:
        self._targets = targets
        self._keras = keras
        self._inner: dict[int, Any] = {}
        self._uses: dict[int, int] = {}

    def rebuilt(self, model: Any, shapes: dict[int, tuple[int, ...]]) -> Any:
        """Build a graph again.

        Args:
            model: of the graph.
            shapes: without the batch, of inputs whose own leave dimensions open, by the ``id`` of these.
        """
        graph = graph_of(model, self._keras)

        def begin(tensor: Any) -> Any:
            shape = (tensor.shape[0], *shapes.get(id(tensor), tensor.shape[1:]))
            return self._keras.Input(batch_shape=shape, dtype=tensor.dtype, name=tensor.name)

        made = self._keras.models.clone_model(
            graph,
            input_tensors=self._keras.tree.map_structure(begin, graph.input),
            clone_function=lambda layer: layer,
            call_function=self._called,
        )
        # The graph of a Sequential has another name than that.
        return self._keras.Model(made.input, made.output, name=model.name)

    def _called(self, operation: Any, *arguments: Any, **options: Any) -> Any:
        if id(operation) in self._targets:
            return self._replaced(operation, arguments, options)
        if is_graph(operation, self._keras) and self._holds(operation):
            return self._model(operation, arguments)(*arguments, **options)
        return operation(*arguments, **options)

    def _holds(self, model: Any) -> bool:
        return any(
            id(each) in self._targets or (is_graph(each, self._keras) and self._holds(each)) for each in model.layers
        )

    def _model(self, model: Any, arguments: tuple[Any, ...]) -> Any:
        """Build a model inside the model again, once, for the shapes that it is called with first."""
        if id(model) not in self._inner:
            self._inner[id(model)] = self.rebuilt(model, self._shapes(model, arguments))
        return self._inner[id(model)]

    def _shapes(self, model: Any, arguments: tuple[Any, ...]) -> dict[int, tuple[int, ...]]:
        graph = graph_of(model, self._keras)
        given = arguments[0] if arguments else None
        flat = self._keras.tree.flatten(given)
        alike = isinstance(given, dict) == isinstance(graph.input, dict) and len(flat) == len(graph.inputs)
        if not alike or any(len(one.shape) != len(other.shape) for one, other in zip(flat, graph.inputs, strict=True)):
            return {}
        return {id(inner): tuple(outer.shape[1:]) for inner, outer in zip(graph.inputs, flat, strict=True)}

    def _replaced(self, layer: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        # Symbolic: this only tells the shapes that come out.
        outputs = layer(*arguments, **options)
        tensors = {
            id(each): each
            for each in self._keras.tree.flatten((arguments, options))
            if isinstance(each, self._keras.KerasTensor)
        }
        given = list(tensors.values())

        def instead(output: Any) -> Any:
            name = self._name(layer)
            if is_alike(given, [output]):
                return self._keras.layers.Identity(name=name, dtype=output.dtype)(given[0])
            return stand_in(given, output, name, self._keras)

        return self._keras.tree.map_structure(instead, outputs)

    def _name(self, layer: Any) -> str:
        """Name what stands for a layer like it; the names of further calls and outputs are others."""
        number = self._uses[id(layer)] = self._uses.get(id(layer), 0) + 1
        return str(layer.name) if number == 1 else f"{layer.name}_stand_in_{number}"
