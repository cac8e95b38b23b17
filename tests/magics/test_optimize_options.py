from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.errors import OptionError
from inferspeed_magic.magics.optimize_options import OPTIONS, OptimizeOptions, parse

DEFAULTS = OptimizeOptions(
    name=None,
    data=None,
    train=None,
    epochs=None,
    temperature=None,
    features=(),
    metric=None,
    max_drop=0.01,
    target="latency",
    batch_size=1,
    device="cpu",
    threads=None,
    max_size_mb=None,
    max_memory_mb=None,
    budget_s=300.0,
    techniques=None,
    runtimes=None,
    exclude=(),
    input_shapes=None,
    seed=0,
    into=None,
    quiet=False,
)
KERAS = ("keras.predict", "keras.call", "keras.compiled", "keras.xla")


def test_defaults():
    assert parse("") == DEFAULTS


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("a", {"name": "a"}),
        ("--quiet a --seed 3 a", {"name": "a", "quiet": True, "seed": 3}),
        ("--data x_val,y_val", {"data": "x_val,y_val"}),
        ('--data "x_val, y_val"', {"data": "x_val, y_val"}),
        ("--data (x[:100, 0], y[:100])", {"data": "(x[:100, 0], y[:100])"}),
        ("--data=train_ds", {"data": "train_ds"}),
        ("--train x_train,y_train --epochs 5", {"train": "x_train,y_train", "epochs": 5}),
        ("--temperature 4", {"temperature": 4.0}),
        ("--features a:b,c:d", {"features": (("a", "b"), ("c", "d"))}),
        ("--metric accuracy", {"metric": "accuracy"}),
        ("--metric keras.metrics.AUC(name='a')", {"metric": "keras.metrics.AUC(name='a')"}),
        ("--max-drop 1%", {"max_drop": 0.01}),
        ("--max-drop 0.5%", {"max_drop": 0.005}),
        ("--max-drop 0.02", {"max_drop": 0.02}),
        ("--max-drop 0", {"max_drop": 0.0}),
        ("--max-drop 99.9%", {"max_drop": pytest.approx(0.999)}),
        ("--for throughput", {"target": "throughput"}),
        ("--for size", {"target": "size"}),
        ("--for=memory", {"target": "memory"}),
        ("--batch-size 32", {"batch_size": 32}),
        ("--device GPU:1", {"device": "gpu:1"}),
        ("--threads 2", {"threads": 2}),
        ("--max-size 5MB", {"max_size_mb": 5.0}),
        ("--max-size 800kB", {"max_size_mb": 0.8}),
        ("--max-size 800KB", {"max_size_mb": 0.8}),
        ("--max-size 1.5GB", {"max_size_mb": 1500.0}),
        ("--max-size 1MiB", {"max_size_mb": 1.048576}),
        ("--max-size 5", {"max_size_mb": 5.0}),
        ("--max-size '5 MB'", {"max_size_mb": 5.0}),
        ("--max-memory 500MB", {"max_memory_mb": 500.0}),
        ("--budget 90s", {"budget_s": 90.0}),
        ("--budget 5m", {"budget_s": 300.0}),
        ("--budget 2.5min", {"budget_s": 150.0}),
        ("--budget 1h", {"budget_s": 3600.0}),
        ("--budget 45", {"budget_s": 45.0}),
        ("--technique float16,int16x8 --technique float16", {"techniques": ("float16", "int16x8")}),
        ("--runtime litert,keras", {"runtimes": ("litert", *KERAS)}),
        ("--exclude int16x8,openvino --exclude keras", {"exclude": ("int16x8", "openvino", *KERAS)}),
        (
            "--runtime keras,litert --exclude keras.predict,keras.call,keras.compiled",
            {"runtimes": ("keras.xla", "litert"), "exclude": ("keras.predict", "keras.call", "keras.compiled")},
        ),
        ("--input-shape '10;28,28,1'", {"input_shapes": ((10,), (28, 28, 1))}),
        ("--into fast", {"into": "fast"}),
        ("--quiet; # hush", {"quiet": True}),
    ],
)
def test_each_option(line, changes):
    assert parse(line) == replace(DEFAULTS, **changes)


MISTAKES = [
    ("a b", "one model at a time: the line names a, b; leave one"),
    ("a --data x_val y_val", "leave one, and write --data without blanks, as in --data x_val,y_val"),
    ("--data x_val, y_val", "--data: 'x_val,' has an empty place; give inputs and labels such as x_val,y_val, without"),
    ("a --data x_val ,y_val", "without blanks"),
    ("--data ''", "--data: '' has an empty place"),
    ("--train x_train,", "--train: 'x_train,' has an empty place"),
    ("--epochs 0", "--epochs"),
    ("--temperature 0", "--temperature"),
    ("--features a", "--features"),
    ("--features a:b,a:c", "names the teacher's layer a twice"),
    ("--metric", "--metric needs a value; %optimize? shows examples"),
    (
        "--max-drop -1%",
        "--max-drop: '-1%' does not do; give what may be lost, from 0 and below 100%, such as 1% or 0.01",
    ),
    ("--max-drop -0.1", "--max-drop: '-0.1' does not do"),
    ("--max-drop 100%", "--max-drop: '100%' does not do"),
    ("--max-drop 1", "--max-drop: '1' would allow any drop; give 1% for per cent, or a share such as 0.01"),
    ("--max-drop 150", "--max-drop: '150' does not do"),
    ("--max-drop nan", "--max-drop: 'nan' does not do"),
    ("--max-drop inf", "--max-drop: 'inf' does not do"),
    ("--max-drop small", "--max-drop: 'small' does not do"),
    ("--for speed", "--for: 'speed' is nothing to optimize for; give latency, throughput, size or memory"),
    ("--batch-size 1,8", "--batch-size: '1,8' does not do; give one whole number from 1, such as 8"),
    ("--batch-size 0", "--batch-size: '0' does not do"),
    ("--device tpu", "--device: 'tpu' is no device"),
    ("--threads 0", "--threads: '0' does not do"),
    ("--max-size 5TB", "--max-size: '5TB' does not do; give a size above 0, such as 800kB, 5MB, 1.5GB, or 5 for megab"),
    ("--max-size 0", "--max-size: '0' does not do"),
    ("--max-size -5MB", "--max-size: '-5MB' does not do"),
    ("--max-size small", "--max-size: 'small' does not do"),
    ("--max-size infMB", "--max-size: 'infMB' does not do"),
    ("--max-memory 0MB", "--max-memory: '0MB' does not do; give a size above 0"),
    ("--budget 0", "--budget: '0' does not do; give a time above 0, such as 90s, 5m, 1h, or 300 for seconds"),
    ("--budget -5m", "--budget: '-5m' does not do"),
    ("--budget 5d", "--budget: '5d' does not do"),
    ("--budget m", "--budget: 'm' does not do"),
    ("--technique float61", "there is no technique 'float61'; did you mean float16?"),
    ("--runtime litertt", "there is no runtime 'litertt'; did you mean litert?"),
    ("--exclude tflite8", "--exclude: there is no technique and no runtime 'tflite8'"),
    (
        "--exclude opnvino",
        "did you mean openvino? known are keras, float16, int16x8, post_training_static, keras.predict",
    ),
    ("--exclude float16,", "--exclude: 'float16,' has an empty place; give names of techniques and runtimes, such as"),
    ("--runtime litert --exclude litert", "--exclude leaves nothing of --runtime litert; name others, or exclude less"),
    ("--technique float16 --exclude float16", "--exclude leaves nothing of --technique float16"),
    ("--input-shape 28x28", "--input-shape: '28x28' does not do"),
    ("--into my-model", "--into: 'my-model' cannot be the name of a variable"),
    ("--seed -1", "--seed: '-1' does not do"),
    ("--quiet=yes", "--quiet takes no value; leave out 'yes'"),
    ("--max_drop 1%", "there is no option --max_drop; did you mean --max-drop?"),
    ("--max 1", "there is no option --max; "),
    ("--help", "there is no option --help; %optimize? lists the options"),
]


@pytest.mark.parametrize(("line", "message"), MISTAKES)
def test_mistakes_are_one_line_with_the_mend(line, message):
    with pytest.raises(OptionError) as raised:
        parse(line)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_every_option_is_tried_here():
    lines = " ".join(line for line, _ in MISTAKES)
    assert all(name in lines for action in OPTIONS for name in action.option_strings)


words = st.sampled_from([name for action in OPTIONS for name in action.option_strings] + ["a", "-1", "--", "=", "%"])


@given(st.lists(st.one_of(words, st.text(max_size=8)), max_size=6))
def test_no_line_ends_the_process(pieces):
    with suppress(OptionError):
        assert isinstance(parse(" ".join(pieces)), OptimizeOptions)
