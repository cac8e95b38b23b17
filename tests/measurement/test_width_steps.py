"""Which widths a kernel likes follows from latencies; the convolutions that are timed are what they are said to be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.measurement.width_models import write_litert_widths, write_onnx_widths
from inferspeed_magic.measurement.width_steps import WIDTHS, latencies, step
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.runtimes.litert import LiteRT
from inferspeed_magic.runtimes.onnxruntime import OnnxRuntime

NOISE = st.lists(st.floats(0.98, 1.02), min_size=len(WIDTHS), max_size=len(WIDTHS))


def kernel(widths, wide, *, both=False, per_call_ns=2000.0):
    """Nanoseconds of a kernel that computes so many output channels at once, and reads as many inputs, or all."""
    padded = {width: wide * math.ceil(width / wide) for width in widths}
    return {width: per_call_ns + 60.0 * padded[width] * (padded[width] if both else width) for width in widths}


@pytest.mark.parametrize("both", [False, True], ids=["inputs as they are", "inputs padded"])
@pytest.mark.parametrize("wide", [8, 16])
@given(noise=NOISE)
def test_what_a_kernel_computes_at_once_is_found(wide, both, noise):
    """Where inputs are not padded, half a step saves half of the time, so that half steps will do."""
    times = kernel(WIDTHS, wide, both=both, per_call_ns=500.0)
    found = step({width: ns * factor for (width, ns), factor in zip(times.items(), noise, strict=True)})
    assert found == (wide if both else wide // 2)


@pytest.mark.parametrize("per_call_ns", [0.0, 2000.0, 20_000.0])
@given(noise=NOISE)
def test_where_every_width_is_as_good_there_is_no_step(per_call_ns, noise):
    times = kernel(WIDTHS, 1, per_call_ns=per_call_ns)
    assert step({width: ns * factor for (width, ns), factor in zip(times.items(), noise, strict=True)}) == 1


def test_rates_that_rise_with_the_width_are_no_step():
    assert step({width: width**2 / (width / (width + 24)) for width in WIDTHS}) == 1


def test_what_could_not_be_measured_is_no_step():
    assert step({}) == 1
    assert step({16: 10.0, 24: 0.0}) == 1


@pytest.mark.parametrize(
    ("runtime", "write", "axis"), [(OnnxRuntime, write_onnx_widths, 1), (LiteRT, write_litert_widths, 3)]
)
def test_every_width_is_a_model_of_its_own_and_is_timed(runtime, write, axis, tmp_path):
    models = write({}, folder=str(tmp_path), widths=(6, 16, 64))
    for model in models:
        values = np.random.default_rng(0).standard_normal(model["shape"]).astype("float32")
        lowering = Lowering()
        session = runtime().compile(runtime().load(model["path"], lowering), lowering)
        (found,) = session.run([values])
        # Two convolutions behind each other, each of which moves every channel to the next place.
        np.testing.assert_allclose(found, np.roll(values, 2, axis=axis), atol=1e-5)
    reference = f"{runtime.__module__}:{runtime.__name__}"
    times = latencies({}, runtime=reference, threads=1, models=models, budget_s=0.3)
    assert list(times) == ["6", "16", "64"]
    assert 0 < times["16"] < times["64"]
