"""Every sort of model to every format, in real converter processes; the runtimes' answers are compared with Keras's."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import small_models
from workbench import Workbench

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.formats.routes import routes, words
from inferspeed_magic.sources.inputs import made_up

FILE_FORMATS = ("litert", "onnx", "openvino_ir")
ROUNDING = 1e-4


def many_outputs():
    """More outputs than digits: whoever sorts by name as text is found out."""
    from keras import Input, Model, layers

    inputs = Input((3,))
    return small_models.stirred(Model(inputs, [layers.Dense(1)(inputs) for _ in range(12)], name="many_outputs"))


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


def opener_of(made):
    for runtime in runtimes().values():
        if made in runtime.capabilities().formats and runtime.availability().available:
            return runtime
    return pytest.skip(f"no runtime for {made} is installed")


def deviation(bench, source, made, route, batch_size):
    artifact = bench.converter.submit(source, route, batch_size).result()
    batches = [made_up(source.signature, batch_size, seed=seed) for seed in range(2)]
    opened = bench.open(opener_of(made), artifact.path, batches)
    pairs = zip(opened.outputs, batches, strict=True)
    return max(relative_error(outputs, source.outputs(batch)) for outputs, batch in pairs)


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("made", FILE_FORMATS)
@pytest.mark.parametrize("make", [*small_models.EVERY, many_outputs], ids=lambda make: make.__name__)
def test_the_best_route_gives_the_same_model(bench, make, made, batch_size):
    source = bench.source(make)
    assert source.stays_live is None
    tried = []
    for route in routes(source.kind, made):
        try:
            error = deviation(bench, source, made, route, batch_size)
        except WorkerError as failure:
            tried.append(f"{words(route)}: {failure}")
            continue
        assert error <= ROUNDING, words(route)
        assert not tried, "the table's first route should be the one that works"
        return
    pytest.fail("; ".join(tried))


@pytest.mark.parametrize(
    ("made", "route"),
    [
        pytest.param(made, route, id=f"{made}-{words(route)}")
        for made in FILE_FORMATS
        for route in routes("keras", made, lower=True)[1:]
        if all(step.backend == "tensorflow" or find_spec(step.backend) for step in route)
    ],
)
@pytest.mark.parametrize("make", [small_models.cnn, small_models.two_and_two], ids=lambda make: make.__name__)
def test_every_other_route_works_too(bench, make, made, route):
    assert deviation(bench, bench.source(make), made, route, 3) <= ROUNDING


@pytest.mark.parametrize("make", small_models.EVERY, ids=lambda make: make.__name__)
def test_the_saved_model_on_the_way_is_the_same_model(bench, make):
    import tensorflow as tf

    source = bench.source(make)
    first_step = routes(source.kind, "litert")[0][:1]
    path = bench.converter.submit(source, first_step, 2).result().path
    serve = tf.saved_model.load(path).signatures["serving_default"]
    (batch,) = source.random_batches(2, seed=5)
    names = sorted(serve.structured_input_signature[1])
    outputs = serve(**{name: tf.constant(array) for name, array in zip(names, batch, strict=True)})
    assert relative_error([outputs[name].numpy() for name in sorted(outputs)], source.outputs(batch)) <= ROUNDING


@pytest.mark.parametrize("made", FILE_FORMATS)
@pytest.mark.parametrize("make", small_models.EVERY, ids=lambda make: make.__name__)
def test_a_file_with_a_dynamic_batch_is_the_same_model_at_every_batch_size(bench, make, made):
    source = bench.source(make)
    route = routes(source.kind, made, dynamic=True)[0]
    if made == "litert" and "lstm" in make.__name__:
        with pytest.raises(WorkerError, match="requires element_shape to be static"):
            deviation(bench, source, made, route, 1)
        return
    paths = {bench.converter.submit(source, route, batch_size).result().path for batch_size in (1, 3)}
    assert len(paths) == 1
    for batch_size in (1, 3):
        assert deviation(bench, source, made, route, batch_size) <= ROUNDING


def test_steps_that_routes_share_are_done_once(bench):
    source = bench.source(small_models.mlp)
    first, second = (routes("keras", made)[0] for made in ("onnx", "openvino_ir"))
    assert first[:2] == second[:2]
    bench.converter.submit(source, first, 5).result()
    before = set(bench.converter._steps)
    bench.converter.submit(source, second, 5).result()
    assert len(set(bench.converter._steps) - before) == 1
