"""Graphs that nobody thought of, to every format: what is accepted has to be right on inputs that no check has seen."""

from __future__ import annotations

import os

import pytest
from workbench import Workbench

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.formats.agreement import TOLERANCES, relative_error
from inferspeed_magic.formats.routes import routes, words
from inferspeed_magic.profiling.candidate import Candidate
from inferspeed_magic.profiling.opening import ways
from inferspeed_magic.profiling.samples import CHECKED, Samples
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.sources.inputs import made_up

OPENERS = ("litert", "onnxruntime", "openvino")
#: Thirty bring every layer up, and take five minutes; the variable is for that, and for longer searches.
GRAPHS = range(int(os.environ.get("INFERSPEED_MAGIC_RANDOM_GRAPHS", "8")))
ENOUGH = 0.97

# Keras warns of masks that end at a layer, and of a softmax over one number: both are drawn now and then.
pytestmark = pytest.mark.filterwarnings("ignore:Layer .* mask attached", "ignore:You are using a softmax over axis")


class Chooser:
    """Tries the routes in order and takes the first whose outputs agree, as ``profile`` does."""

    def __init__(self, bench):
        self.bench = bench
        self.samples = Samples(bench.crew.folder, seed=0)
        self.tried = 0
        #: By graph and runtime: what was wrong with every route.
        self.refused = {}

    def accept(self, source, runtime, batch_sizes):
        """Return sessions by batch size on one file, none if all routes fail; and what was wrong."""
        wrong = []
        batch_in_file = "dynamic" if len(batch_sizes) > 1 else "static"
        for route in ways(Candidate(source, runtime, Lowering(), batch_in_file)):
            try:
                return self._open(source, runtime, route, batch_sizes), wrong
            except WorkerError as failure:
                wrong.append(f"{words(route)}: {failure}")
        return {}, wrong

    def _open(self, source, runtime, route, batch_sizes):
        path = self.bench.converter.submit(source, route, batch_sizes[0]).result().path
        opened = {}
        for size in batch_sizes:
            _, batches = self.samples.inputs(source, size)
            opened[size] = self.bench.open(runtime, path, batches[:CHECKED])
            error = self.samples.error(source, size, opened[size].outputs)
            if not error <= TOLERANCES[source.precision]:
                raise WorkerError("disagrees", f"its outputs differ by {error:.1e} at batch {size}")
        return opened


@pytest.fixture(scope="module")
def chooser():
    with Workbench() as bench:
        yield Chooser(bench)


def named(name, make):
    make.__name__ = name
    return make


def graph(seed):
    def make():
        from random_graphs import drawn

        return drawn(seed)

    return named(f"graph_{seed}", make)


def of_tokens(*, masks):
    """So many different tokens that random ones hardly ever are the one that is masked."""
    from keras import Input, Model, layers, utils

    utils.set_random_seed(0)
    tokens = Input((8,), dtype="int32")
    return Model(tokens, layers.GRU(3)(layers.Embedding(20_000, 4, mask_zero=masks)(tokens)))


def of_numbers(*, masks):
    from keras import Input, Model, layers, utils

    utils.set_random_seed(0)
    numbers = Input((8, 4))
    return Model(numbers, layers.GRU(3)(layers.Masking(-7.0)(numbers) if masks else numbers))


def unseen(source, batch_size):
    """Yield other batches than those that were checked: usual ones, large ones, and such as end or begin in zeros."""
    for seed in range(1000, 1003):
        batch = made_up(source.signature, batch_size, seed)
        yield batch
        yield [3 * array if array.dtype.kind == "f" else array for array in batch]
        yield [zeroed(array, slice(-(array.shape[1] // 2), None)) for array in batch]
        yield [zeroed(array, slice((array.shape[1] - 1) // 2)) for array in batch]


def zeroed(array, where):
    changed = array.copy()
    changed[:, where] = 0
    return changed


def check_on_unseen(source, opened):
    for batch_size, session in opened.items():
        for batch in unseen(source, batch_size):
            error = relative_error(session.run(batch), source.outputs(batch))
            assert error <= 3 * TOLERANCES[source.precision], f"at batch {batch_size}"


@pytest.mark.parametrize("name", OPENERS)
@pytest.mark.parametrize("seed", GRAPHS)
def test_what_is_accepted_is_right_on_inputs_never_seen(chooser, seed, name):
    source, runtime = chooser.bench.source(graph(seed)), runtimes()[name]
    size = seed % 4 or 1
    opened, wrong = chooser.accept(source, runtime, (size, size + 1)) if seed % 3 == 0 else ({}, [])
    if not opened:
        opened, more = chooser.accept(source, runtime, (size,))
        wrong += more
    chooser.tried += 1
    if not opened:
        chooser.refused[seed, name] = wrong
    print(f"graph {seed} for {name} is {'accepted' if opened else 'refused'}; {'; '.join(wrong)}")
    check_on_unseen(source, opened)


def test_nearly_everything_can_be_converted(chooser):
    if chooser.tried < len(OPENERS) * len(GRAPHS):
        pytest.skip("only some of the graphs were tried")
    assert len(chooser.refused) <= (1 - ENOUGH) * chooser.tried, chooser.refused


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize("make", [of_tokens, of_numbers], ids=lambda make: make.__name__)
def test_a_file_that_ignores_padding_is_noticed(chooser, make, batch_size):
    masking, ignoring = (
        chooser.bench.source(named(f"{make.__name__}_{masks}", lambda masks=masks: make(masks=masks)))
        for masks in (True, False)
    )
    route = routes("keras", "onnx")[0]
    path = chooser.bench.converter.submit(ignoring, route, batch_size).result().path
    _, batches = chooser.samples.inputs(masking, batch_size)
    opened = chooser.bench.open(runtimes()["onnxruntime"], path, batches[:CHECKED])
    assert chooser.samples.error(masking, batch_size, opened.outputs) > TOLERANCES["float32"]
