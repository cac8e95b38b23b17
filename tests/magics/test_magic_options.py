from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.errors import OptionError
from inferspeed_magic.magics.options import OPTIONS, ProfileOptions, parse

DEFAULTS = ProfileOptions(
    names=(),
    runtimes=None,
    batch_sizes=(1,),
    device="cpu",
    input=None,
    input_shapes=None,
    scenario="single_stream",
    target_qps=None,
    latency_slo_ms=None,
    threads=None,
    duration_s=1.0,
    baseline=None,
    into=None,
    seed=0,
    quiet=False,
    batch_in_file="best",
)


def test_defaults():
    assert parse("") == DEFAULTS


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("a b", "names", ("a", "b")),
        ("a --threads 2 b --quiet c", "names", ("a", "b", "c")),
        ("--quiet a", "names", ("a",)),
        ("a b a", "names", ("a", "b")),
        ("--runtime litert", "runtimes", ("litert",)),
        ("--runtime litert,onnxruntime", "runtimes", ("litert", "onnxruntime")),
        ("--runtime openvino --runtime litert,openvino", "runtimes", ("openvino", "litert")),
        ("--runtime=keras", "runtimes", ("keras.predict", "keras.call", "keras.compiled", "keras.xla")),
        ("--runtime keras.xla,keras", "runtimes", ("keras.xla", "keras.predict", "keras.call", "keras.compiled")),
        ("--batch-size 8", "batch_sizes", (8,)),
        ("--batch-size 1,8,32", "batch_sizes", (1, 8, 32)),
        ("--batch-size 8,1,8", "batch_sizes", (8, 1)),
        ("--device cpu", "device", "cpu"),
        ("--device GPU", "device", "gpu"),
        ("--device gpu:1", "device", "gpu:1"),
        ('--input "x_val[:8]"', "input", "x_val[:8]"),
        ("--input {'a': x, 'b': y}", "input", "{'a': x, 'b': y}"),
        ("--input-shape 28,28,1", "input_shapes", ((28, 28, 1),)),
        ("--input-shape '10;28,28,1'", "input_shapes", ((10,), (28, 28, 1))),
        ("--input-shape 10;28,28,1", "input_shapes", ((10,), (28, 28, 1))),
        ("--input-shape (28, 28, 1)", "input_shapes", ((28, 28, 1),)),
        ("--scenario offline", "scenario", "offline"),
        ("--scenario server --target-qps 200", "target_qps", 200.0),
        ("--scenario server --latency-slo-ms 20", "latency_slo_ms", 20.0),
        ("--scenario server --latency-slo-ms 2.5ms", "latency_slo_ms", 2.5),
        ("--threads 2", "threads", 2),
        ("--duration 2", "duration_s", 2.0),
        ("--duration 0.5", "duration_s", 0.5),
        ("--duration 2s", "duration_s", 2.0),
        ("--duration 500ms", "duration_s", 0.5),
        ("--baseline small/litert", "baseline", "small/litert"),
        ("--into report", "into", "report"),
        ("--seed 42", "seed", 42),
        ("--quiet", "quiet", True),
        ("--batch-in-file dynamic", "batch_in_file", "dynamic"),
        ("--technique float16,int16x8 --technique float16", "techniques", ("float16", "int16x8")),
        ("--quiet; # hush", "quiet", True),
    ],
)
def test_each_option(line, field, value):
    found = getattr(parse(line), field)
    assert found == value
    assert type(found) is type(value)


MISTAKES = [
    ("--batch-size 0", "--batch-size: '0' does not do; give whole numbers from 1, such as 1,8,32"),
    ("--batch-size abc", "--batch-size: 'abc' does not do; give whole numbers from 1, such as 1,8,32"),
    ("--batch-size 1,-8", "--batch-size: '-8' does not do; give whole numbers from 1, such as 1,8,32"),
    ("--batch-size 1.5", "--batch-size: '1.5' does not do"),
    ("--batch-size 1, 8", "--batch-size: '1,' has an empty place; give whole numbers from 1, such as 1,8,32, with"),
    ("--batch-sizes 8", "there is no option --batch-sizes; did you mean --batch-size?"),
    ("--batch_size=8", "there is no option --batch_size; did you mean --batch-size?"),
    ("--runtimes litert", "there is no option --runtimes; did you mean --runtime?"),
    ("-b 8", "there is no option -b; %profile_model? lists the options"),
    ("--help", "there is no option --help; %profile_model? lists the options"),
    ("--batch 8", "there is no option --batch; did you mean --batch-size?"),
    ("--runtime tflite", "--runtime: there is no runtime 'tflite'; "),
    ("--runtime tflite", "known are keras, keras.predict, keras.call, keras.compiled, keras.xla, litert, onnxruntime"),
    ("--runtime litertt", "did you mean litert?"),
    ("--runtime ONNXRuntime", "did you mean onnxruntime?"),
    (
        "--runtime litert,",
        "--runtime: 'litert,' has an empty place; give names of runtimes, such as litert,onnxruntime",
    ),
    ("--runtime", "--runtime needs a value; %profile_model? shows examples"),
    ("--technique float61", "there is no technique 'float61'; did you mean float16? known are float16, int16x8"),
    ("--batch-in-file both", "--batch-in-file: 'both' is no choice; give best, static or dynamic"),
    ("--runtime --quiet", "--runtime needs a value"),
    ("--duration -1", "--duration: '-1' does not do; give a time above 0, such as 2, 0.5, 2s or 500ms"),
    ("--duration -1s", "--duration: '-1s' does not do; give a time above 0"),
    ("--duration 0", "--duration: '0' does not do; give a time above 0"),
    ("--duration nan", "--duration: 'nan' does not do"),
    ("--duration inf", "--duration: 'inf' does not do"),
    ("--duration 2min", "--duration: '2min' does not do"),
    ("--device tpu", "--device: 'tpu' is no device; give cpu, gpu, or gpu:N where N counts from 0"),
    ("--device gpu:-1", "--device: 'gpu:-1' is no device"),
    ("--scenario multi", "--scenario: 'multi' is no scenario; give single_stream, offline or server"),
    ("--target-qps 5", "--target-qps goes with --scenario server; add that, or leave --target-qps out"),
    ("--latency-slo-ms 5 --scenario offline", "--latency-slo-ms goes with --scenario server"),
    (
        "--scenario server",
        "--scenario server needs one of --target-qps RATE (how many arrive per second) and --latency",
    ),
    ("--scenario server --target-qps 5 --latency-slo-ms 5", "not both"),
    ("--scenario server --target-qps 0", "--target-qps: '0' does not do; give inferences per second, above 0, such as"),
    ("--scenario server --latency-slo-ms soon", "--latency-slo-ms: 'soon' does not do; give milliseconds, above 0"),
    ("--threads 0", "--threads: '0' does not do; give a whole number from 1, such as 2"),
    ("--seed -1", "--seed: '-1' does not do; give a whole number from 0, such as 42"),
    ("--into my-report", "--into: 'my-report' cannot be the name of a variable; give one such as report"),
    ("--into for", "--into: 'for' cannot be the name of a variable"),
    (
        "--input-shape 28x28",
        "--input-shape: '28x28' does not do; give sizes without the batch dimension, such as 28,28,1",
    ),
    ("--input-shape 28,None", "--input-shape: 'None' does not do"),
    ("--quiet=yes", "--quiet takes no value; leave out 'yes'"),
    ("a 'b", "the line has an open '; close it, or write the name without it"),
]


@pytest.mark.parametrize(("line", "message"), MISTAKES)
def test_mistakes_are_one_line_with_the_mend(line, message):
    with pytest.raises(OptionError) as raised:
        parse(line)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_every_option_is_tried_here():
    lines = " ".join(line for line, _ in MISTAKES)
    assert all(name in lines for action in OPTIONS for name in action.option_strings if name != "--baseline")


words = st.sampled_from([name for action in OPTIONS for name in action.option_strings] + ["a", "-1", "--", "=", "-"])


@given(st.lists(st.one_of(words, st.text(max_size=8)), max_size=6))
def test_no_line_ends_the_process(pieces):
    with suppress(OptionError):
        assert isinstance(parse(" ".join(pieces)), ProfileOptions)
