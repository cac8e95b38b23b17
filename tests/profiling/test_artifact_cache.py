"""What an earlier run converted is found again if it is of the same model and whole; what is wrong is never kept."""

from __future__ import annotations

import errno
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import small_models
from onnx_files import perceptron

import inferspeed_magic as im
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.profiling.artifact_cache import VARIABLE, ArtifactCache, default_cache
from inferspeed_magic.profiling.conversion import Converter
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.records.signature import Signature, TensorSpec
from inferspeed_magic.sources.kinds import object_kind
from inferspeed_magic.sources.source import Source, from_model
from inferspeed_magic.workers.crew import Crew

FILE_RUNTIMES = ("litert", "onnxruntime", "openvino")
FROM_KERAS = routes("keras", "onnx")[0]
FROM_ONNX = routes("onnx", "onnx")[0]
FIX_BATCH = "inferspeed_magic.formats.onnx:fix_batch"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Have the cache in a folder of the test's own."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "artifacts"


@pytest.fixture
def jobs(monkeypatch):
    """List what converter processes are asked to do."""
    asked = []
    request = Converter._request

    def noted(converter, call, *arguments):
        asked.append(call)
        return request(converter, call, *arguments)

    monkeypatch.setattr(Converter, "_request", noted)
    return asked


@pytest.fixture
def pretended(monkeypatch):
    """Have models converted to a file that holds nothing of theirs, which is enough to see what is found again."""

    def convert(converter, source, route, batch_size, inputs):
        file = converter._crew.folder / "artifact" / "model.onnx"
        file.parent.mkdir()
        file.write_text("a model")
        return str(file)

    monkeypatch.setattr(Converter, "_convert", convert)


def converted(source, route, batch_size=1):
    """Convert as a new run does; return the artifact and its content."""
    with Crew() as crew:
        converter = Converter(crew, LIMITS, environment(None, "cpu"))
        try:
            artifact = converter.submit(source, route, batch_size).result()
            converter.keep(source, artifact)
            return artifact, Path(artifact.path).read_bytes()
        finally:
            converter.close()


def found(source, route=FROM_KERAS, batch_size=1):
    return converted(source, route, batch_size)[0].cached is not None


def described(model):
    return from_model("m", model, object_kind(model), None, None)


def onnx_source(path):
    return Source("m", "onnx", Signature((TensorSpec("x", (32,), "float32"),)), 0, path=path)


def profiled(model, runtimes, **options):
    return im.profile({"m": model}, runtimes=list(runtimes), duration_s=0.02, progress=False, **options).results


def is_right(result):
    return result.status == "measured" and result.relative_error < 1e-4


@pytest.mark.parametrize("batch_in_file", ["static", "dynamic"])
def test_a_second_profile_converts_nothing_and_finds_the_same(jobs, batch_in_file):
    model = small_models.cnn()
    first = profiled(model, FILE_RUNTIMES, batch_in_file=batch_in_file)
    assert jobs
    jobs.clear()
    second = profiled(model, FILE_RUNTIMES, batch_in_file=batch_in_file)
    assert jobs == []
    assert all(map(is_right, [*first, *second]))
    for before, after in zip(first, second, strict=True):
        assert (after.route, after.artifact_mb, after.precision) == (before.route, before.artifact_mb, before.precision)


@pytest.mark.parametrize("make", small_models.EVERY, ids=lambda make: make.__name__)
def test_the_same_model_is_found_and_one_with_other_weights_is_not(pretended, make):
    model = make()
    assert not found(described(model))
    assert found(described(model))
    weights = model.get_weights()
    weights[-1].flat[-1] += 1e-6
    model.set_weights(weights)
    assert not found(described(model))


def test_another_architecture_with_the_same_weights_is_another_entry(pretended):
    model = small_models.mlp()
    assert not found(described(model))
    model.layers[0].activation = small_models.keras.activations.relu
    assert not found(described(model))


def test_another_batch_size_is_another_entry_if_it_is_fixed_in_the_file(pretended):
    source = described(small_models.mlp())
    any_batch = routes("keras", "onnx", dynamic=True)[0]
    for batch_size in (1, 3):
        assert not found(source, FROM_KERAS, batch_size)
        assert found(source, FROM_KERAS, batch_size)
    assert not found(source, any_batch, 1)
    assert found(source, any_batch, 3)


def test_every_route_has_its_own_entry(pretended):
    source = described(small_models.mlp())
    every = {
        route for made in ("litert", "onnx", "openvino_ir") for route in routes("keras", made, lower=True) if route
    }
    assert len(every) > 8
    assert not any(found(source, route) for route in every)
    assert all(found(source, route) for route in every)


def test_open_dimensions_that_are_filled_otherwise_are_another_entry(pretended):
    from keras import Input, Sequential, layers

    model = Sequential([Input((None, 3)), layers.Dense(2)])
    for steps in (4, 5):
        source = from_model("m", model, "keras", None, [(steps, 3)])
        assert not found(source)
        assert found(source)


@pytest.mark.parametrize("library", ["tf2onnx", "keras"])
def test_another_version_of_a_library_is_another_entry(pretended, monkeypatch, library):
    source = described(small_models.mlp())
    assert not found(source)
    version = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99.0" if name == library else version(name))
    assert not found(source)


LAYER = """
import keras

FACTOR = 2

class Scale(keras.layers.Layer):
    def call(self, x):
        return x * FACTOR
"""
CHANGES = {"code": ("x * FACTOR", "x + FACTOR"), "value": ("FACTOR = 2", "FACTOR = 3")}


def with_layer(scale):
    from keras import Input, Model

    inputs = Input((4,), name="inputs")
    return described(Model(inputs, scale(name="scale")(inputs), name="model"))


def in_cell(code, cell):
    """Run code as a notebook does, which names each cell, and for each kernel otherwise."""
    names = {"__name__": "__main__"}
    exec(compile(code, f"kernel_{cell}/cell_{cell}.py", "exec"), names)  # noqa: S102
    return names["Scale"]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_layer_of_a_notebook_is_known_by_its_code(pretended, change):
    assert not found(with_layer(in_cell(LAYER, 1)))
    assert found(with_layer(in_cell(LAYER, 2)))
    assert not found(with_layer(in_cell(LAYER.replace(*change), 3)))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_layer_of_a_module_is_known_by_its_code(pretended, tmp_path, monkeypatch, change):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "scaling_layer", raising=False)
    file = tmp_path / "scaling_layer.py"
    file.write_text(LAYER)
    import scaling_layer

    assert not found(with_layer(scaling_layer.Scale))
    assert found(with_layer(importlib.reload(scaling_layer).Scale))
    file.write_text(LAYER.replace(*change) + "\n")
    assert not found(with_layer(importlib.reload(scaling_layer).Scale))


def test_what_was_found_out_about_the_model_comes_with_the_artifact(pretended):
    model = small_models.mlp()
    first, second = described(model), described(model)
    first.subnormal_share = 0.25
    assert not found(first)
    assert found(second)
    assert second.subnormal_share == 0.25


def test_a_model_that_cannot_be_told_from_others_is_converted_each_time(pretended, monkeypatch):
    source = described(small_models.mlp())
    monkeypatch.setattr(type(source.model), "get_config", lambda model: 1 / 0)
    assert not found(source)
    assert not found(source)


def cut_short(entry):
    file = entry / "model.onnx"
    file.write_bytes(file.read_bytes()[:-100])


def alter_a_byte(entry):
    file = entry / "model.onnx"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def replace_by_a_folder(entry):
    (entry / "model.onnx").unlink()
    (entry / "model.onnx").mkdir()


def write(manifest):
    """Write something else in place of the manifest."""
    return lambda entry: (entry / "manifest").write_bytes(manifest)


def alter_the_manifest(entry):
    manifest = (entry / "manifest").read_text()
    assert '"subnormal_share": 0.0' in manifest
    (entry / "manifest").write_text(manifest.replace('"subnormal_share": 0.0', '"subnormal_share": 0.5'))


DAMAGES = {
    "file cut short": cut_short,
    "file altered": alter_a_byte,
    "file missing": lambda entry: (entry / "model.onnx").unlink(),
    "folder in place of the file": replace_by_a_folder,
    "manifest missing": lambda entry: (entry / "manifest").unlink(),
    "manifest altered": alter_the_manifest,
    "manifest empty": write(b""),
    "manifest cut short": write(b'{"artifact": "model.onnx", "fil'),
    "manifest without its hash": write(b'\n{"artifact": "model.onnx", "files": {}, "facts": {"subnormal_share": 0.0}}'),
    "manifest of something else": write(b'{"artifact": [], "files": [], "facts": 1}'),
    "manifest that is no text": write(bytes(range(256))),
    "empty folder": lambda entry: [file.unlink() for file in entry.iterdir()],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_is_noticed_and_made_anew(tmp_path, folder, jobs, damage):
    source = onnx_source(perceptron(tmp_path / "model.onnx"))
    _, made = converted(source, FROM_ONNX)
    (entry,) = folder.iterdir()
    assert found(source, FROM_ONNX)
    assert jobs == [FIX_BATCH]
    damage(entry)
    artifact, again = converted(source, FROM_ONNX)
    assert artifact.cached is None
    assert again == made
    artifact, again = converted(source, FROM_ONNX)
    assert artifact.cached == entry.name
    assert again == made
    assert jobs == [FIX_BATCH] * 2


def right_and_wrong_file(tmp_path):
    return perceptron(tmp_path / "right.onnx"), perceptron(tmp_path / "wrong.onnx", depth=2), ["onnxruntime"]


def right_and_wrong_model(tmp_path):
    model, other = small_models.mlp(), small_models.mlp()
    small_models.stirred(other, seed=1)
    return model, other, ["litert"]


@pytest.mark.parametrize("two", [right_and_wrong_file, right_and_wrong_model], ids=["file", "Keras"])
def test_an_entry_that_is_whole_but_wrong_is_thrown_away_and_made_anew(tmp_path, folder, jobs, two):
    right, wrong, runtimes = two(tmp_path)
    options = {"runtimes": runtimes, "batch_in_file": "static"}
    first = profiled(right, **options)
    (mine,) = folder.iterdir()
    profiled(wrong, **options)
    (other,) = set(folder.iterdir()) - {mine}
    shutil.rmtree(mine)
    other.rename(mine)
    jobs.clear()
    second = profiled(right, **options)
    assert jobs
    jobs.clear()
    third = profiled(right, **options)
    assert jobs == []
    assert all(map(is_right, [*first, *second, *third]))
    assert {result.route for result in (*second, *third)} == {first[0].route}


def test_off_means_that_nothing_is_kept_and_nothing_found(tmp_path, monkeypatch, jobs):
    monkeypatch.setenv(VARIABLE, "Off")
    monkeypatch.chdir(tmp_path)
    source = onnx_source(perceptron(tmp_path / "model.onnx"))
    before = set(tmp_path.iterdir())
    for _ in range(2):
        assert not found(source, FROM_ONNX)
    assert jobs == [FIX_BATCH] * 2
    assert set(tmp_path.iterdir()) == before


def test_a_place_where_nothing_can_be_written_is_no_failure(tmp_path, folder):
    folder.parent.mkdir()
    folder.write_text("a file, where the folder should be")
    for _ in range(2):
        (result,) = profiled(perceptron(tmp_path / "model.onnx"), ["onnxruntime"])
        assert is_right(result)
    assert folder.is_file()


@pytest.fixture
def artifact(tmp_path):
    """Write an artifact of a thousand bytes, in two files that belong together."""
    made = tmp_path / "artifact"
    made.mkdir()
    (made / "model.xml").write_bytes(b"a" * 400)
    (made / "model.bin").write_bytes(b"b" * 600)
    return made / "model.xml"


def holds(cache, key):
    """Whether an entry is found, and whole."""
    entry = cache.find(key)
    return entry is not None and [Path(entry[0]).with_suffix(end).stat().st_size for end in (".xml", ".bin")] == [
        400,
        600,
    ]


def test_files_that_belong_together_stay_together(folder, artifact):
    cache = ArtifactCache(folder)
    cache.keep("one", artifact, {"known": 1})
    path, facts = cache.find("one")
    assert (Path(path).name, facts) == ("model.xml", {"known": 1})
    assert holds(cache, "one")
    (folder / "one" / "model.bin").write_bytes(b"c" * 600)
    assert cache.find("one") is None


def test_what_was_not_used_for_longest_makes_room(folder, artifact):
    cache = ArtifactCache(folder, limit_bytes=4500)
    oldest, old, young, new = (letter * 64 for letter in "abcd")
    for used_at, key in enumerate((oldest, old, young)):
        cache.keep(key, artifact, {})
        os.utime(folder / key, (used_at, used_at))
    assert holds(cache, oldest)  # and with that it is no longer the one that was not used for longest
    cache.keep(new, artifact, {})
    assert [holds(cache, key) for key in (oldest, old, young, new)] == [True, False, True, True]


def test_what_makes_room_is_not_counted(folder, artifact, tmp_path):
    small = tmp_path / "small" / "model.xml"
    small.parent.mkdir()
    small.write_bytes(b"a")
    cache = ArtifactCache(folder, limit_bytes=2500)
    for used_at, (key, kept) in enumerate((("a" * 64, small), ("b" * 64, artifact))):
        cache.keep(key, kept, {})
        os.utime(folder / key, (used_at, used_at))
    cache.keep("c" * 64, artifact, {})
    assert [cache.find(letter * 64) is not None for letter in "abc"] == [True, False, True]


def test_what_is_not_ours_stays(tmp_path, monkeypatch, artifact):
    place = tmp_path / "scratch"
    for mine in (place / "thesis", place / "artifacts" / "thesis"):
        mine.mkdir(parents=True)
        (mine / "data.bin").write_bytes(b"x" * 5000)
        os.utime(mine, (1, 1))
    monkeypatch.setenv(VARIABLE, str(place))
    cache = default_cache()
    cache._limit_bytes = 4000
    cache.keep("a" * 64, artifact, {})
    assert cache.find("a" * 64)
    assert (place / "thesis" / "data.bin").exists()
    assert (place / "artifacts" / "thesis" / "data.bin").exists()


def test_the_home_folder_may_be_named_as_a_shell_does(tmp_path, monkeypatch, artifact):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "~/models")
    default_cache().keep("a" * 64, artifact, {})
    assert (tmp_path / "models" / "artifacts" / ("a" * 64)).is_dir()


def test_an_entry_that_is_thrown_away_meanwhile_is_still_there_for_the_run(folder, pretended):
    source = described(small_models.mlp())
    converted(source, FROM_KERAS)
    with Crew() as crew:
        converter = Converter(crew, LIMITS, environment(None, "cpu"))
        artifact = converter.submit(source, FROM_KERAS, 1).result()
        assert artifact.cached
        shutil.rmtree(folder)
        assert Path(artifact.path).read_text() == "a model"
        converter.close()


def test_what_was_not_seen_to_agree_is_not_kept(pretended):
    source = described(small_models.mlp())
    with Crew() as crew:
        converter = Converter(crew, LIMITS, environment(None, "cpu"))
        converter.submit(source, FROM_KERAS, 1).result()
        converter.close()
    assert not found(source)


def test_what_does_not_fit_at_all_costs_nobody_its_place(folder, artifact):
    ArtifactCache(folder).keep("small", artifact, {})
    cache = ArtifactCache(folder, limit_bytes=2000)
    artifact.write_bytes(b"a" * 1500)
    cache.keep("large", artifact, {})
    assert cache.find("large") is None
    assert holds(cache, "small")


def test_a_full_disk_is_no_failure_and_leaves_nothing(folder, artifact, monkeypatch):
    def fill_up(source, target, **options):
        (Path(target) / "model.xml").write_bytes(b"a" * 200)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", fill_up)
    cache = ArtifactCache(folder)
    cache.keep("one", artifact, {})
    assert cache.find("one") is None
    assert list(folder.iterdir()) == []


class Killed(BaseException):
    """Nothing of ours runs after it."""


@pytest.mark.parametrize("where", ["copytree", "write_text", "rename"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_whoever_is_killed_while_keeping_leaves_nothing_that_is_half_done(folder, artifact, monkeypatch, where, done):
    place = shutil if where == "copytree" else Path
    original = getattr(place, where)

    def kill(*arguments, **options):
        if done:
            original(*arguments, **options)
        elif where == "copytree":
            (Path(arguments[1]) / "model.xml").write_bytes(b"a" * 200)
        raise Killed

    cache = ArtifactCache(folder)
    with monkeypatch.context() as patch:
        patch.setattr(place, where, kill)
        patch.setattr(shutil, "rmtree", lambda *arguments, **options: None)
        with pytest.raises(Killed):
            cache.keep("one", artifact, {})
    assert list(folder.iterdir())
    assert holds(cache, "one") if (where, done) == ("rename", True) else cache.find("one") is None
    cache.keep("one", artifact, {})
    assert holds(cache, "one")


CROWD = """
import sys
from pathlib import Path
from inferspeed_magic.profiling.artifact_cache import ArtifactCache

cache = ArtifactCache(Path(sys.argv[1]))
seen = 0
for _ in range(150):
    cache.keep("one", Path(sys.argv[2]), {"known": 1})
    found = cache.find("one")
    if found is not None:
        try:
            sizes = [len(Path(found[0]).with_suffix(end).read_bytes()) for end in (".xml", ".bin")]
        except FileNotFoundError:  # just replaced by another process
            continue
        assert sizes == [400, 600], sizes
        assert found[1] == {"known": 1}
        seen += 1
print(seen)
"""


def test_processes_that_keep_the_same_at_the_same_time_do_no_harm(folder, artifact):
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", CROWD, str(folder), str(artifact)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for process in crowd:
        said, complaints = process.communicate(timeout=120)
        assert process.returncode == 0, complaints.decode()
        assert int(said) > 0
    cache = ArtifactCache(folder)
    cache.keep("one", artifact, {"known": 1})
    assert holds(cache, "one")
    assert [entry.name for entry in folder.iterdir()] == ["one"]
