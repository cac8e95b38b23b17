"""Optimized models answer as the Keras model does, whatever the structure and the number of samples."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
import small_models
from packages import made, times
from workbench import Workbench

from inferspeed_magic.errors import InputError, ModelError, OptionError
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.optimized import OptimizedModel
from inferspeed_magic.records.signature import TensorSpec
from inferspeed_magic.sources.inputs import made_up
from inferspeed_magic.sources.structure import flatten, pack

ROUNDING = 1e-4
MODELS = (
    small_models.mlp,
    small_models.embedding_lstm,
    small_models.two_and_two,
    small_models.dictionaries,
    small_models.in_tf_keras,
)


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


@pytest.mark.parametrize(
    ("runtime", "dynamic"),
    [("litert", False), ("onnxruntime", False), ("onnxruntime", True), ("openvino", True)],
)
@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_answers_are_those_of_keras_for_any_number_of_samples(bench, make, runtime, dynamic):
    package, source = made(bench, make, runtime, 3, dynamic=dynamic)
    fast = OptimizedModel(package)
    for count in (1, 3, 7):
        arrays = made_up(source.signature, count, seed=count)
        given = pack(source.template, arrays)
        expected = pack(package.output_template, source.outputs(arrays))
        for outputs in (fast(given), fast.predict(given, batch_size=2)):
            leaves, structure = flatten(outputs)
            assert structure == package.output_template
            assert all(type(each) is np.ndarray for each in leaves)
            assert [each.shape for each in leaves] == [each.shape for each in flatten(expected)[0]]
            assert relative_error(leaves, flatten(expected)[0]) <= ROUNDING


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime", "openvino"])
def test_answers_are_the_bare_sessions_to_the_last_bit(bench, runtime):
    from inferspeed_magic.discovery import runtimes

    package, source = made(bench, small_models.two_and_two, runtime, 2)
    bare = runtimes()[runtime]
    session = bare.compile(bare.load(str(package.artifact), package.lowering), package.lowering)
    batches = [made_up(source.signature, 2, seed=seed) for seed in range(3)]
    answers = OptimizedModel(package)([np.concatenate(parts) for parts in zip(*batches, strict=True)])
    expected = [np.concatenate(parts) for parts in zip(*map(session.run, batches), strict=True)]
    for one, other in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("runtime", ["keras.call", "keras.predict", "keras.compiled", "keras.xla"])
def test_keras_call_paths_work_in_this_process(bench, runtime):
    package, source = made(bench, small_models.dictionaries, runtime, 3)
    fast = OptimizedModel(package)
    arrays = made_up(source.signature, 7, seed=1)
    outputs = fast(pack(source.template, arrays))
    assert relative_error(flatten(outputs)[0], source.outputs(arrays)) <= ROUNDING


def test_what_keras_takes_is_taken(bench):
    package, source = made(bench, small_models.two_and_two, "onnxruntime", dynamic=True)
    fast = OptimizedModel(package)
    zeta, alpha = made_up(source.signature, 4, seed=0)
    expected = fast([zeta, alpha])
    names = [spec.name for spec in package.inputs]
    for given in (
        (zeta, alpha),
        {names[1]: alpha, names[0]: zeta, "more": None},
        [zeta.astype("float64"), np.asfortranarray(alpha)],
        [zeta.tolist(), alpha.tolist()],
        [zeta.astype(">f4"), alpha],
        [np.repeat(zeta, 2, 0)[::2], alpha],
    ):
        np.testing.assert_allclose(fast(given), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: (x,), lambda x: {"x": x}, np.ndarray.tolist])
def test_one_input_comes_alone_or_in_a_list_or_by_name(monkeypatch, tmp_path, wrap):
    package, _ = times(monkeypatch, tmp_path)
    x = np.arange(6, dtype="float32").reshape(2, 3)
    np.testing.assert_array_equal(OptimizedModel(package)(wrap(x)), 2 * x)


@pytest.mark.parametrize(
    ("spec", "given", "taken"),
    [
        (TensorSpec("x", (3,), "float32"), np.array([[1, 0, 255]], "uint8"), [[1, 0, 255]]),
        (TensorSpec("x", (3,), "float32"), [[True, False, True]], [[1, 0, 1]]),
        (TensorSpec("x", (3,), "int32"), np.array([[1, 2, 3]], "int64"), [[1, 2, 3]]),
        (TensorSpec("x", (3,), "int32"), [[1.0, 2.0, 3.0]], [[1, 2, 3]]),
        (TensorSpec("x", (1,), "float32"), [1.0, 2.0], [[1], [2]]),
        (TensorSpec("x", (), "float32"), [[1.0], [2.0]], [1, 2]),
        (TensorSpec("x", (None, 2), "float32"), np.ones((2, 5, 2)), np.ones((2, 5, 2))),
    ],
)
def test_values_are_cast_where_nothing_is_lost(monkeypatch, tmp_path, spec, given, taken):
    package, _ = times(monkeypatch, tmp_path, factor=1, inputs=(spec,))
    outputs = OptimizedModel(package)(given)
    assert outputs.dtype == spec.dtype
    np.testing.assert_array_equal(outputs, taken)


def test_sessions_get_arrays_that_lie_in_memory_as_c_has_them(monkeypatch, tmp_path):
    package, _ = times(monkeypatch, tmp_path)
    x = np.arange(6, dtype="float32").reshape(2, 3)
    unaligned = np.frombuffer(b"\0" + x.tobytes(), "float32", offset=1).reshape(2, 3)
    for given in (np.asfortranarray(x), np.repeat(x, 2, 0)[::2], unaligned):
        assert not (given.flags.c_contiguous and given.flags.aligned)
        np.testing.assert_array_equal(OptimizedModel(package)(given), 2 * x)


@pytest.mark.parametrize(
    ("dtype", "given", "message"),
    [
        ("float32", np.zeros((2, 4)), r"input `x` of shape \(batch, 3\) and dtype float32, got shape \(2, 4\)"),
        ("float32", np.zeros(3), r"got shape \(3\) \(one sample\? add the batch: x\[None\]\)"),
        ("float32", 1.0, r"got shape \(\)"),
        ("float32", np.zeros((0, 3)), "hold no sample"),
        ("float32", [[1, 2], [3]], "cannot be made an array"),
        ("float32", [["a", "b", "c"]], "dtype <U1"),
        ("float32", np.zeros((1, 3), complex), "dtype complex128"),
        ("float32", object(), "a object that is no array"),
        ("float32", {"y": np.zeros((1, 3))}, r"takes x \(batch, 3\) float32, got a dict of 'y'"),
        ("int32", [[1, 2, 3.5]], "values from 1.0 to 3.5 of dtype float64, which it cannot hold"),
        ("int32", [[1, 2, 2**40]], "which it cannot hold"),
        ("int32", [[1, 2, float("nan")]], "which it cannot hold"),
        ("uint8", [[1, 2, -1]], "which it cannot hold"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(monkeypatch, tmp_path, dtype, given, message):
    package, runtime = times(monkeypatch, tmp_path, inputs=(TensorSpec("x", (3,), dtype),))
    for call in (OptimizedModel(package), OptimizedModel(package).predict):
        with pytest.raises(InputError, match=message) as raised:
            call(given)
        assert "\n" not in str(raised.value)
    assert not runtime.opened


TWO = (TensorSpec("left", (2,), "float32"), TensorSpec("right", (2,), "float32"))
NAMED = {"dict": {"a": 0, "b": {"list": [1]}}}


@pytest.mark.parametrize(
    ("template", "given", "message"),
    [
        ({"list": [0, 1]}, [np.zeros((1, 2))], r"takes \[left \(batch, 2\) float32, right .*\], got a list of 1"),
        ({"list": [0, 1]}, np.zeros((2, 1, 2)), r"got one ndarray of shape \(2, 1, 2\)"),
        ({"list": [0, 1]}, {"left": np.zeros((1, 2))}, "got a dict of 'left'"),
        ({"list": [0, 1]}, [np.zeros((1, 2)), np.zeros((2, 2))], r"differ in the number of samples: \[1, 2\]"),
        (NAMED, {"a": np.zeros((1, 2))}, r"takes \{'a': left .*, 'b': \[right .*\]\}, got a dict of 'a'"),
        (NAMED, [np.zeros((1, 2)), np.zeros((1, 2))], "got a list of 2"),
    ],
)
def test_another_structure_is_one_clear_line(monkeypatch, tmp_path, template, given, message):
    package, _ = times(monkeypatch, tmp_path, inputs=TWO, templates=(template, {"tuple": [0, 1]}))
    with pytest.raises(InputError, match=message):
        OptimizedModel(package)(given)


def test_nested_structures_go_in_and_out(monkeypatch, tmp_path):
    out = {"tuple": [{"dict": {"second": 1}}, 0]}
    package, _ = times(monkeypatch, tmp_path, inputs=TWO, templates=(NAMED, out))
    one, other = np.ones((2, 2), "float32"), np.full((2, 2), 3, "float32")
    first, last = OptimizedModel(package)({"a": one, "b": (other,)})
    np.testing.assert_array_equal(first["second"], 2 * other)
    np.testing.assert_array_equal(last, 2 * one)


def test_a_static_artifact_runs_in_its_batches_and_a_dynamic_one_as_it_is(monkeypatch, tmp_path):
    x = np.arange(21, dtype="float32").reshape(7, 3)
    package, runtime = times(monkeypatch, tmp_path, batch=3)
    fast = OptimizedModel(package)
    np.testing.assert_array_equal(fast(x), 2 * x)
    assert runtime.batches == [3, 3, 3]
    np.testing.assert_array_equal(fast.predict(x, batch_size=4), 2 * x)
    assert runtime.batches == [3] * 6
    fast.predict(np.ones((12, 3)), batch_size=4)  # no batch is filled up but the last one
    assert runtime.batches == [3] * 10
    package, runtime = times(monkeypatch, tmp_path)
    fast = OptimizedModel(package)
    np.testing.assert_array_equal(fast(x), 2 * x)
    np.testing.assert_array_equal(fast.predict(x, batch_size=4), 2 * x)
    assert runtime.batches == [7, 4, 3]


def test_outputs_without_samples_cannot_be_put_together(monkeypatch, tmp_path):
    x = np.ones((4, 3), "float32")
    package, _ = times(monkeypatch, tmp_path, batch=4, content={"sums": True})
    fast = OptimizedModel(package)
    assert fast(x) == pytest.approx(24.0)
    for count in (3, 8):
        with pytest.raises(ModelError, match=f"output 0 does not have the samples .* so {count} samples"):
            fast(np.ones((count, 3), "float32"))


def test_every_thread_gets_its_own_answers_and_the_session_is_opened_once(monkeypatch, tmp_path):
    package, runtime = times(monkeypatch, tmp_path, batch=4)
    fast, wrong, start = OptimizedModel(package), [], threading.Barrier(8)

    def ask(number):
        start.wait()
        for turn in range(50):
            x = np.full((9, 3), 100 * number + turn, "float32")
            if not np.array_equal(fast(x), 2 * x):
                wrong.append((number, turn))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (wrong, runtime.opened, runtime.at_once) == ([], 1, 0)
    assert len(runtime.batches) == 8 * 50 * 3


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime", "openvino"])
def test_threads_share_a_real_session(bench, runtime):
    package, source = made(bench, small_models.mlp, runtime, 2)
    fast, start = OptimizedModel(package), threading.Barrier(8)
    given = [made_up(source.signature, 5, seed)[0] for seed in range(8)]
    expected = [OptimizedModel(package)(x) for x in given]
    worst = [np.inf] * 8

    def ask(number):
        start.wait()
        worst[number] = max(float(np.abs(fast(given[number]) - expected[number]).max()) for _ in range(40))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert worst == [0.0] * 8


def test_close_frees_the_session_and_the_next_call_opens_it_anew(monkeypatch, tmp_path):
    package, runtime = times(monkeypatch, tmp_path)
    fast = OptimizedModel(package)
    x = np.ones((1, 3), "float32")
    fast(x)
    fast(x)
    assert runtime.opened == 1
    fast.close()
    fast(x)
    assert runtime.opened == 2


def test_a_feed_makes_the_inputs_of_the_artifact(monkeypatch, tmp_path):
    words = TensorSpec("words", (), "str")
    package, _ = times(monkeypatch, tmp_path, inputs=(words,), batch=2)
    fast = OptimizedModel(package, feed=lambda arrays: [np.char.str_len(arrays[0]).astype("float32")])
    for given in (["a", "bcd", "ef"], np.array([b"a", b"bcd", b"ef"]), np.array(["a", "bcd", "ef"], object)):
        np.testing.assert_array_equal(fast(given), [2, 6, 4])
        np.testing.assert_array_equal(fast.predict(given, batch_size=1), [2, 6, 4])
    with pytest.raises(InputError, match="dtype float64"):
        fast([1.5])
    with pytest.raises(ModelError, match="preprocessing layers"):
        fast.save(tmp_path / "saved")


def test_tensors_of_tensorflow_give_tensors(monkeypatch, tmp_path):
    import tensorflow as tf

    package, _ = times(monkeypatch, tmp_path)
    fast = OptimizedModel(package)
    for given in (tf.ones((2, 3)), tf.ones((2, 3), tf.float64), tf.Variable(tf.ones((2, 3))), [tf.ones((2, 3))]):
        answer = fast(given)
        assert isinstance(answer, tf.Tensor)
        np.testing.assert_array_equal(answer.numpy(), np.full((2, 3), 2.0))
        assert type(fast.predict(given)) is np.ndarray
    with pytest.raises(InputError, match="cannot be made an array"):
        tf.function(fast)(tf.ones((2, 3)))
    with pytest.raises(InputError, match=r"no array|cannot be made an array"):
        fast(tf.data.Dataset.from_tensor_slices([1.0]))


class FakeTensor:
    """As much of a PyTorch tensor as is used."""

    __module__ = "torch"

    def __init__(self, values, dtype="torch.float32", device="cuda:0"):
        self.values, self.dtype, self.device = values, dtype, device

    def numpy(self, *, force):
        assert force, "a tensor on a GPU, or one that needs gradients, has no values otherwise"
        assert self.dtype != "torch.bfloat16"
        return self.values

    def float(self):
        return FakeTensor(self.values)

    def to(self, device, *dtype):
        self.device = device
        return self


def test_tensors_of_pytorch_give_tensors_on_their_device(monkeypatch, tmp_path):
    import sys
    import types

    fake = types.ModuleType("torch")
    fake.from_numpy = lambda array: FakeTensor(array, device="cpu")
    monkeypatch.setitem(sys.modules, "torch", fake)
    package, _ = times(monkeypatch, tmp_path)
    for dtype in ("torch.float32", "torch.bfloat16"):
        answer = OptimizedModel(package)(FakeTensor(np.ones((2, 3), "float32"), dtype))
        assert isinstance(answer, FakeTensor)
        assert answer.device == "cuda:0"
        np.testing.assert_array_equal(answer.values, np.full((2, 3), 2.0))


def test_failures_are_one_line(monkeypatch, tmp_path):
    x = np.ones((1, 3), "float32")
    package, _ = times(monkeypatch, tmp_path, content={"fails": True})
    with pytest.raises(ModelError, match=r"`small/times\+doubled` failed: ValueError: first line$"):
        OptimizedModel(package)(x)
    package, _ = times(monkeypatch, tmp_path, runtime="sundial")
    with pytest.raises(ModelError, match="runs on sundial, which is no runtime here"):
        OptimizedModel(package)(x)
    package, runtime = times(monkeypatch, tmp_path)
    (tmp_path / "made" / "model.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be opened by times: JSONDecodeError"):
        OptimizedModel(package)(x)
    (tmp_path / "made" / "model.json").unlink()
    with pytest.raises(ModelError, match=r"the files of `small/times.doubled` are gone"):
        OptimizedModel(package)(x)
    assert "its files are gone" in repr(OptimizedModel(package))
    monkeypatch.setattr(type(runtime), "module", "nowhere_to_be_found")
    with pytest.raises(ModelError, match="numpy is not installed: pip install numpy"):
        OptimizedModel(package)(x)


def test_a_mistaken_call_is_one_line(monkeypatch, tmp_path):
    package, _ = times(monkeypatch, tmp_path)
    fast, x = OptimizedModel(package), np.ones((1, 3), "float32")
    np.testing.assert_array_equal(fast(x, training=False), fast.predict(x, verbose="auto"))
    with pytest.raises(OptionError, match="for inference only"):
        fast(x, training=True)
    for batch_size in (0, -1, 2.0, True, "8"):
        with pytest.raises(OptionError, match="batch_size is a whole number"):
            fast.predict(x, batch_size)
    with pytest.raises(OptionError, match="no steps"):
        fast.predict(x, steps=3)
    with pytest.raises(OptionError, match="no recipe"):
        fast.recipe()
    assert OptimizedModel(package, recipe="print()").recipe() == "print()"
    assert OptimizedModel(package, recipe=lambda: "made").recipe() == "made"


def test_it_says_what_it_is(monkeypatch, tmp_path):
    facts = {"p50_ms": 0.123456, "speedup": 12.0, "accuracy": 0.98765, "accuracy_drop": 0.001, "metric": "top-1"}
    package, _ = times(monkeypatch, tmp_path, facts=facts, settings=(("threads", "1"),))
    fast = OptimizedModel(package, notes=("it is slower here",))
    assert repr(fast) == (
        "<OptimizedModel small/times+doubled: runs on times, 1.3e-05 MB, p50 0.123 ms (12x faster), "
        "top-1 0.9877 (drop 0.001). Note: it is slower here. Call it like the Keras model.>"
    )
    assert (fast.name, fast.runtime, fast.settings) == ("small/times+doubled", "times", {"threads": "1"})
    assert (fast.facts, fast.notes) == (facts, ("it is slower here",))
    assert fast.size_mb == pytest.approx(len(json.dumps({"factor": 2})) / 1e6)
    strange, _ = times(monkeypatch, tmp_path, facts={"p50_ms": float("nan"), "accuracy": "?"})
    assert "p50" not in repr(OptimizedModel(strange))


def test_the_owner_lives_as_long_as_the_model(monkeypatch, tmp_path):
    import weakref

    class Owner:
        """Of a temporary folder."""

    package, _ = times(monkeypatch, tmp_path)
    owner = Owner()
    seen = weakref.ref(owner)
    fast = OptimizedModel(package, owner=owner)
    del owner
    assert seen() is not None
    del fast
    assert seen() is None


def test_preprocessing_that_fails_is_one_line(monkeypatch, tmp_path):
    package, _ = times(monkeypatch, tmp_path)
    fast = OptimizedModel(package, feed=lambda arrays: [arrays[1]])
    with pytest.raises(ModelError, match=r"layers of `small/times\+doubled` failed: IndexError"):
        fast(np.ones((1, 3)))
