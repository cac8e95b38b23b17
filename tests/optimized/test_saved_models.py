"""Saved models: complete or not there, verified before they are opened, run by their runtime alone."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys

import cloudpickle
import keras
import numpy as np
import pytest
import small_models
from packages import made, times
from workbench import Workbench

from inferspeed_magic.errors import ModelError, OptionError
from inferspeed_magic.optimized import OptimizedModel, load, manifest, replacing, writing
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.sources.inputs import made_up
from inferspeed_magic.sources.structure import flatten, pack

X = np.arange(6, dtype="float32").reshape(2, 3)


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A model on a runtime that multiplies; its files have a file beside them."""
    package, runtime = times(monkeypatch, tmp_path, lowering=Lowering(threads=3, options=(("mode", "calm"),)))
    (package.artifact.parent / "deep").mkdir()
    (package.artifact.parent / "deep" / "weights.data").write_bytes(bytes(range(100)))
    return OptimizedModel(package, recipe="print('made')\n"), runtime


def everything(folder):
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_a_saved_model_is_the_same_model(small, tmp_path):
    fast, _ = small
    fast.save(tmp_path / "new" / "parents" / "saved")
    back = load(str(tmp_path / "new" / "parents" / "saved"))
    np.testing.assert_array_equal(back(X), fast(X))
    assert back.recipe() == fast.recipe()
    assert back.size_mb == fast.size_mb
    assert back.notes == ()
    for name in ("name", "runtime", "lowering", "batch_in_file", "inputs", "route", "settings", "fixed_batch"):
        assert getattr(back.package, name) == getattr(fast.package, name)
    assert back.package.lowering.options == (("mode", "calm"),)
    found = everything(tmp_path / "new" / "parents")
    assert set(found) == {f"saved/{name}" for name in LISTED} | {"saved/manifest.json"}


LISTED = ("artifact/model.json", "artifact/deep/weights.data", "recipe.py")


def test_the_manifest_is_strict_json_with_everything(bench, tmp_path):
    package, _ = made(bench, small_models.dictionaries, "onnxruntime", 2)
    OptimizedModel(package).save(tmp_path / "saved")
    text = (tmp_path / "saved" / "manifest.json").read_text()
    read = json.loads(text, parse_constant=pytest.fail)
    assert read["package"]["facts"] == {"p50_ms": 0.25, "accuracy": 0.987, "nan": None, "numpy": 0.5}
    assert read["environment"]["runtime"]["distribution"] == "onnxruntime"
    assert {"python", "operating_system", "architecture", "cpu", "instruction_sets"} <= set(read["environment"])
    assert "recipe.py" not in read["files"]
    back = load(tmp_path / "saved")
    assert [(s.name, s.shape, s.dtype) for s in back.package.inputs] == [
        (s.name, s.shape, s.dtype) for s in package.inputs
    ]
    assert (back.package.input_template, back.package.output_template) == (
        package.input_template,
        package.output_template,
    )
    with pytest.raises(OptionError, match="no recipe"):
        back.recipe()


IN_A_CLEAN_PROCESS = """
import json, sys
import numpy as np
from inferspeed_magic.optimized import load
fast = load(sys.argv[1])
x = dict(np.load(sys.argv[2]))
outputs = fast(x)
predicted = fast.predict(x)
np.savez(sys.argv[3], **outputs)
heavy = {"tensorflow", "keras", "tf_keras", "torch", "jax", "onnx", "bokeh", "IPython", "cloudpickle", "pandas"}
libraries = {"onnxruntime", "openvino", "ai_edge_litert"}
print(json.dumps(sorted({each.partition(".")[0] for each in sys.modules} & (heavy | libraries))))
"""


@pytest.mark.parametrize(
    ("runtime", "module"), [("litert", "ai_edge_litert"), ("onnxruntime", "onnxruntime"), ("openvino", "openvino")]
)
def test_a_clean_process_needs_the_runtime_alone(bench, tmp_path, runtime, module):
    package, source = made(bench, small_models.dictionaries, runtime, 2)
    OptimizedModel(package).save(tmp_path / "saved")
    arrays = made_up(source.signature, 5, seed=0)
    np.savez(tmp_path / "x.npz", **pack(source.template, arrays))
    files = [str(tmp_path / name) for name in ("saved", "x.npz", "y.npz")]
    done = subprocess.run(
        [sys.executable, "-c", IN_A_CLEAN_PROCESS, *files], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [module]
    outputs, _ = flatten(dict(np.load(tmp_path / "y.npz")))
    for mine, keras_s in zip(outputs, source.outputs(arrays), strict=True):
        np.testing.assert_allclose(mine, keras_s, rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- tampering


def edited(folder, change):
    """Change the manifest, and its hash with it, as somebody would who knows how."""
    file = folder / "manifest.json"
    read = json.loads(file.read_text())
    read.pop("manifest_sha256")
    change(read)
    file.write_text(manifest.to_json(read))


def flip(file, position):
    data = bytearray(file.read_bytes())
    data[position] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("harm", ["flip", "cut", "grow", "remove", "folder"])
def test_a_file_that_is_not_what_it_was_is_named(small, tmp_path, name, harm):
    fast, runtime = small
    fast.save(tmp_path / "saved")
    file = tmp_path / "saved" / name
    if harm == "flip":
        flip(file, len(file.read_bytes()) // 2)
    elif harm == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    elif harm == "grow":
        file.write_bytes(file.read_bytes() + b" ")
    else:
        file.unlink()
        if harm == "folder":
            file.mkdir()
    word = {"flip": "altered", "cut": "cut short", "grow": "altered"}.get(harm, "missing")
    with pytest.raises(ModelError, match=f"{name} (was|is) {word}") as raised:
        load(tmp_path / "saved")
    assert "\n" not in str(raised.value)
    assert runtime.opened == 0


def test_every_byte_of_the_manifest_counts(small, tmp_path):
    fast, _ = small
    fast.save(tmp_path / "saved")
    file = tmp_path / "saved" / "manifest.json"
    whole = file.read_bytes()
    meaning = json.loads(whole)
    for position in range(0, len(whole), 7):
        flip(file, position)
        try:
            same = json.loads(file.read_bytes()) == meaning  # white space
        except ValueError:
            same = False
        if not same:
            with pytest.raises(ModelError, match=r"manifest\.json"):
                load(tmp_path / "saved")
        file.write_bytes(whole)
    for end in range(0, len(whole) - 1, 50):
        file.write_bytes(whole[:end])
        with pytest.raises(ModelError, match="no valid JSON"):
            load(tmp_path / "saved")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "not that of a model"),
        ("{}", "not that of a model"),
        ("[" * 100_000, "no valid JSON"),
        ('{"format": "inferspeed_magic.optimized_model", "format_version": 99}', "pip install --upgrade"),
        ('{"format": "inferspeed_magic.optimized_model", "format_version": "1"}', "altered"),
        ('{"format": "inferspeed_magic.optimized_model", "format_version": 1, "x": 1e999}', "altered"),
        ('{"format": "inferspeed_magic.optimized_model", "format_version": 1, "x": NaN}', "no valid JSON"),
        (b"\xff\xfe", "no text"),
    ],
)
def test_what_is_no_manifest_is_told(tmp_path, text, message):
    (tmp_path / "manifest.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ModelError, match=message):
        load(tmp_path)


def test_what_is_no_saved_model_is_told(tmp_path):
    with pytest.raises(ModelError, match="there is no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"holds no manifest\.json"):
        load(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="it is a file"):
        load(tmp_path / "file")


@pytest.mark.parametrize(
    "name",
    ["../secret", "/etc/hostname", "artifact/../../secret", "artifact//model.json", "C:\\x", "a\\..\\x", "", "."],
)
def test_paths_that_lead_out_are_refused(small, tmp_path, name):
    fast, _ = small
    fast.save(tmp_path / "saved")
    (tmp_path / "secret").write_text("secret")
    edited(tmp_path / "saved", lambda read: read["files"].update({name: {"sha256": "", "bytes": 0}}))
    with pytest.raises(ModelError, match="no path inside the folder"):
        load(tmp_path / "saved")


@pytest.mark.parametrize("artifact", ["../made/model.json", "/etc/hostname", "recipe.py", "artifact/none", "artifact"])
def test_an_artifact_elsewhere_is_refused(small, tmp_path, artifact):
    fast, runtime = small
    fast.save(tmp_path / "saved")
    edited(tmp_path / "saved", lambda read: read["package"].update(artifact=artifact))
    with pytest.raises(ModelError, match=r"artifact|no path inside"):
        load(tmp_path / "saved")
    assert runtime.opened == 0


def test_links_that_lead_out_are_refused_and_others_are_not(small, tmp_path):
    fast, _ = small
    fast.save(tmp_path / "saved")
    file = tmp_path / "saved" / "artifact" / "model.json"
    inside = tmp_path / "saved" / "store"
    file.rename(inside)
    file.symlink_to(inside)
    np.testing.assert_array_equal(load(tmp_path / "saved")(X), 2 * X)
    inside.rename(tmp_path / "outside")
    file.unlink()
    file.symlink_to(tmp_path / "outside")
    with pytest.raises(ModelError, match=r"artifact/model\.json is a link that leads out"):
        load(tmp_path / "saved")


def test_files_put_beside_the_artifact_are_refused(small, tmp_path):
    fast, _ = small
    fast.save(tmp_path / "saved")
    (tmp_path / "saved" / "artifact" / "deep" / "custom.pkl").write_bytes(b"")
    with pytest.raises(ModelError, match=r"artifact/deep/custom\.pkl does not belong to the model"):
        load(tmp_path / "saved")


@pytest.mark.parametrize(
    "change",
    [
        lambda part: part.pop("name"),
        lambda part: part.update(name=1),
        lambda part: part.update(lowering={"threads": "2"}),
        lambda part: part.update(lowering={"turbo": True}),
        lambda part: part.update(batch_in_file="perhaps"),
        lambda part: part.update(inputs=[{"name": "x"}]),
        lambda part: part.update(inputs=[]),
        lambda part: part.update(input_template={"list": [0, 1]}),
        lambda part: part.update(input_template={"set": [0]}),
        lambda part: part.update(output_template={"list": [0, 0]}),
        lambda part: part.update(output_template="0"),
        lambda part: part.update(settings=[1]),
        lambda part: part.update(facts=[]),
    ],
)
def test_a_manifest_that_says_something_else_is_refused(small, tmp_path, change):
    fast, _ = small
    fast.save(tmp_path / "saved")
    edited(tmp_path / "saved", lambda read: change(read["package"]))
    with pytest.raises(ModelError, match=r"manifest\.json does not say what it has to"):
        load(tmp_path / "saved")


def test_a_file_that_changes_after_loading_is_not_opened(small, tmp_path):
    fast, runtime = small
    fast.save(tmp_path / "saved")
    back = load(tmp_path / "saved")
    (tmp_path / "saved" / "artifact" / "model.json").write_text('{"factor": 3}')
    for use in (lambda: back(X), lambda: back.save(tmp_path / "again")):
        with pytest.raises(ModelError, match=r"cut short|altered"):
            use()
    assert runtime.opened == 0
    assert not (tmp_path / "again").exists()


# ---------------------------------------------------------------- writing


def test_an_earlier_save_is_replaced_and_nothing_else(small, tmp_path, monkeypatch):
    fast, _ = small
    target = tmp_path / "saved"
    target.mkdir()
    fast.save(target)
    other, _ = times(monkeypatch, tmp_path, factor=5)
    for exchange in (True, False):
        if not exchange:
            monkeypatch.setattr(replacing, "_exchanged", lambda one, other: False)
        (tmp_path / "made" / "model.json").write_text('{"factor": 5}' if exchange else '{"factor": 7}')
        OptimizedModel(other).save(target)
        np.testing.assert_array_equal(load(target)(X), (5 if exchange else 7) * X)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["made", "saved"]
    before = everything(target)
    (target / "mine.txt").write_text("mine")
    with pytest.raises(OptionError, match=r"it holds other files \(mine\.txt\)"):
        fast.save(target)
    (target / "mine.txt").unlink()
    (target / "manifest.json").write_text("{}")
    with pytest.raises(OptionError, match="neither empty nor an earlier save"):
        fast.save(target)
    assert everything(target) == before | {"manifest.json": b"{}"}
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="it is a file"):
        fast.save(tmp_path / "file")


def test_a_loaded_model_can_be_saved_onto_itself(small, tmp_path):
    fast, _ = small
    fast.save(tmp_path / "saved")
    before = everything(tmp_path / "saved")
    back = load(tmp_path / "saved")
    back.save(tmp_path / "saved")
    assert everything(tmp_path / "saved") == before
    np.testing.assert_array_equal(back(X), 2 * X)


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("fails", [(errno.ENOSPC, "_to_disk"), (errno.EROFS, "put_in_place"), (errno.EIO, "_to_disk")])
def test_a_full_disk_leaves_nothing_behind(small, tmp_path, monkeypatch, fails, earlier):
    number, step = fails
    fast, _ = small
    target = tmp_path / "parent" / "saved"
    if earlier:
        fast.save(target)
    before = everything(tmp_path)
    calls = []

    def fail(*arguments):
        calls.append(arguments)
        if step == "put_in_place" or len(calls) == 2:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(writing, step, fail)
    with pytest.raises(OptionError, match=f"cannot save to .*saved.*: {os.strerror(number)}; (free|choose)"):
        fast.save(target)
    assert everything(tmp_path) == before
    assert sorted(each.name for each in tmp_path.iterdir()) == (["made", "parent"] if earlier else ["made"])


def test_an_interrupt_leaves_the_earlier_save(small, tmp_path, monkeypatch):
    fast, _ = small
    fast.save(tmp_path / "saved")
    before = everything(tmp_path)

    def interrupt(writer):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "_to_disk", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fast.save(tmp_path / "saved")
    assert everything(tmp_path) == before


def test_a_rename_that_fails_puts_the_earlier_save_back(small, tmp_path, monkeypatch):
    fast, _ = small
    fast.save(tmp_path / "saved")
    before = everything(tmp_path)
    monkeypatch.setattr(replacing, "_exchanged", lambda one, other: False)
    rename = type(tmp_path).rename

    def fail_once_aside(self, target):
        if (self / "manifest.json").exists() and not (tmp_path / "saved").exists() and self.name.startswith(".saved"):
            monkeypatch.setattr(type(tmp_path), "rename", rename)
            raise OSError(errno.EIO, "broken")
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", fail_once_aside)
    with pytest.raises(OptionError, match="broken"):
        fast.save(tmp_path / "saved")
    assert everything(tmp_path) == before


def test_files_that_are_gone_cannot_be_saved(small, tmp_path):
    fast, _ = small
    shutil.rmtree(fast.package.artifact.parent)
    with pytest.raises(ModelError, match=r"the files of `small/times\+doubled` are gone"):
        fast.save(tmp_path / "saved")
    assert not list(tmp_path.iterdir())


def test_another_version_or_machine_is_noted(small, tmp_path):
    fast, _ = small
    fast.save(tmp_path / "saved")

    def change(read):
        read["environment"]["runtime"]["version"] = "0.1"
        read["environment"] |= {"cpu": "Abacus", "instruction_sets": ["AMX-INT9"]}

    edited(tmp_path / "saved", change)
    version, machine = load(tmp_path / "saved").notes
    assert version.startswith(f"saved with numpy 0.1, runs here on {np.__version__}")
    assert machine.startswith("saved on Abacus, runs here on ")
    assert "(without AMX-INT9)" in machine
    assert version in repr(load(tmp_path / "saved"))
    edited(tmp_path / "saved", lambda read: read.update(environment=None))
    assert "saved with numpy an unknown version" in load(tmp_path / "saved").notes[0]


# ---------------------------------------------------------------- Keras


@pytest.mark.parametrize("make", [small_models.two_and_two, small_models.in_tf_keras], ids=lambda make: make.__name__)
def test_keras_models_are_saved_and_read_in_safe_mode(bench, tmp_path, make):
    package, source = made(bench, make, "keras.compiled", 2)
    OptimizedModel(package).save(tmp_path / "saved")
    back = load(tmp_path / "saved")
    arrays = made_up(source.signature, 5, seed=0)
    outputs, _ = flatten(back(pack(source.template, arrays)))
    for mine, keras_s in zip(outputs, source.outputs(arrays), strict=True):
        np.testing.assert_allclose(mine, keras_s, rtol=1e-4, atol=1e-5)
    back.close()
    keras.config.set_floatx("float16")
    try:
        again, _ = flatten(back(pack(source.template, arrays)))
        assert keras.config.floatx() == "float16"
    finally:
        keras.config.set_floatx("float32")
    np.testing.assert_array_equal(again[0], outputs[0])


def with_a_lambda():
    return keras.Sequential([keras.layers.Input((3,)), keras.layers.Lambda(lambda x: x + 1)])


@pytest.mark.parametrize("make", [small_models.custom_layer, with_a_lambda], ids=lambda make: make.__name__)
def test_keras_models_with_code_are_not_saved(bench, tmp_path, make):
    package, source = made(bench, make, "keras.call")
    fast = OptimizedModel(package)
    fast(made_up(source.signature, 2, seed=0)[0])
    with pytest.raises(ModelError, match="register_keras_serializable and save the Keras model itself") as raised:
        fast.save(tmp_path / "saved")
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_code_in_a_keras_file_is_not_run(bench, tmp_path):
    package, _ = made(bench, small_models.mlp, "keras.call")
    folder = tmp_path / "saved"
    OptimizedModel(package).save(folder)
    (file,) = folder.rglob("*.keras")
    keras.Sequential([keras.layers.Input((7,)), keras.layers.Lambda(lambda x: x + 1)]).save(file)
    data = file.read_bytes()
    facts = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    edited(folder, lambda read: read["files"].update({file.relative_to(folder).as_posix(): facts}))
    with pytest.raises(ModelError, match=r"Keras's safe mode cannot read model\.keras"):
        load(folder)(np.ones((1, 7)))


class Boom:
    def __reduce__(self):
        return (os.mkdir, (os.environ["BOOM"],))


def test_pickles_are_never_loaded_even_where_the_manifest_lists_them(bench, tmp_path, monkeypatch):
    package, _ = made(bench, small_models.mlp, "keras.call")
    folder = tmp_path / "saved"
    OptimizedModel(package).save(folder)
    monkeypatch.setenv("BOOM", str(tmp_path / "boom"))
    data = cloudpickle.dumps({"Dense": Boom()})
    (folder / "artifact" / package.artifact.name / "custom.pkl").write_bytes(data)

    def list_it(read):
        name = f"artifact/{package.artifact.name}/custom.pkl"
        read["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}

    edited(folder, list_it)
    with pytest.raises(ModelError, match="holds pickled code, which is never loaded"):
        load(folder)
    assert not (tmp_path / "boom").exists()


def test_classes_that_are_registered_but_not_in_the_model_do_no_harm(bench, tmp_path):
    @keras.saving.register_keras_serializable("elsewhere")
    class Unrelated(keras.layers.Layer):
        """Of another model."""

    def beside_it():
        return small_models.mlp()

    try:
        package, _ = made(bench, beside_it, "keras.call")
        assert not (package.artifact / "custom.pkl").exists()
        OptimizedModel(package).save(tmp_path / "saved")
    finally:
        keras.saving.get_custom_objects().clear()
    assert not list((tmp_path / "saved").rglob("*.pkl"))
    load(tmp_path / "saved")(np.ones((1, 7)))
