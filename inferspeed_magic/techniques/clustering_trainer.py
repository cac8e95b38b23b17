"""Few distinct weights in each kernel of a Keras model, whose values learn: by tfmot on its twin.

The user's own training takes models of Keras 3: there the clusters are held together by constraints of our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.techniques.clusters import clustered, distinct, kept_clustered
from inferspeed_magic.techniques.keras_folder import opened, save
from inferspeed_magic.techniques.kernels import kernels_of
from inferspeed_magic.techniques.twin_training import learn_in_tf_keras
from inferspeed_magic.techniques.weight_clusterer import FEWEST_EACH, clusterable, large_enough
from inferspeed_magic.training import learn, read_lesson
from inferspeed_magic.twins import hand_over, rebuild

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inferspeed_magic.sources.portable import PortableModel
    from inferspeed_magic.training import Lesson

#: What has its place already needs smaller steps.
_RATE = 0.2
_LAYERS = ("Dense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")


def cluster(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    clusters: int,
    lesson: str,
) -> None:
    """Replace the weights of every kernel by the centres of their clusters, and let these learn on.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model.
        target: folder to write.
        batch_size: not used.
        inputs: not used.
        clusters: how many distinct values each kernel keeps.
        lesson: folder of what to train with.

    Raises:
        UnsupportedError: for models without a kernel that is large enough, and those that have no twin in tf_keras.
    """
    del state, batch_size, inputs
    found, kernels = clusterable(source, clusters)
    taught, model = read_lesson(lesson), found.model
    if taught.fine_tune is None:
        _train_twin(found, taught, lesson, clusters)
    else:
        _cluster(kernels, clusters)
        with kept_clustered(kernels):
            model, _ = learn(model, opened(source).model, taught, pack=found.pack, log_folder=lesson)
    _cluster([each for _, each in kernels_of(model) if large_enough(each, clusters)], clusters)
    save(model, found, source, target)


def _cluster(kernels: Iterable[Any], clusters: int) -> None:
    """Cluster what is not clustered: all at first, then what tfmot left alone, or a function trained in its own way."""
    for variable in kernels:
        values = variable.numpy()
        if distinct(values) > clusters:
            variable.assign(clustered(values, clusters))


def _train_twin(found: PortableModel, taught: Lesson, folder: str, clusters: int) -> None:
    """Let tfmot train the centres; the twin's weights come back to the model."""
    twin = rebuild(found.model)
    import tensorflow_model_optimization as tfmot
    import tf_keras

    clustering = tfmot.clustering.keras

    def wrap(layer: Any) -> Any:
        if isinstance(layer, tf_keras.Model):
            return tf_keras.models.clone_model(layer, clone_function=wrap)
        if type(layer).__name__ not in _LAYERS or layer.kernel.shape.num_elements() < FEWEST_EACH * clusters:
            return layer
        # It takes weights that are there for centres: with clusters in place these are the clusters.
        return clustering.cluster_weights(layer, clusters, clustering.CentroidInitialization.KMEANS_PLUS_PLUS)

    for layer in twin._flatten_layers():  # noqa: SLF001  (also lists layers inside layers)
        if type(layer).__name__ in _LAYERS and layer.kernel.shape.num_elements() >= FEWEST_EACH * clusters:
            layer.kernel.assign(clustered(layer.kernel.numpy(), clusters))
    wrapped = tf_keras.models.clone_model(twin, clone_function=wrap)
    learn_in_tf_keras(wrapped, found.model, taught, pack=found.pack, log_folder=folder, rate=_RATE)
    hand_over(clustering.strip_clustering(wrapped), found.model)
