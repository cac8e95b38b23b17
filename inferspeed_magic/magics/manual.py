"""What ``%profile_model?`` shows, written from the options themselves so that it cannot lag behind."""

from __future__ import annotations

import textwrap

from inferspeed_magic.magics.options import OPTIONS

_WIDTH = 88

_INTRODUCTION = """\
How fast is this Keras model really, on every runtime this machine has?

    %%profile_model [NAME ...] [options]     run the cell, then profile
    %profile_model NAME ... [options]        profile what exists

A NAME is a variable that holds a Keras model, an expression such as models["a"], or a path
to a .keras, .h5, .onnx or .tflite file or a SavedModel folder. Without a NAME, every Keras
model that the cell assigns is profiled. The report is the value of the cell: _ and Out hold it,
and report = %profile_model model assigns it. Interrupt the kernel to stop: what was measured
until then is kept."""

_EXAMPLES = """\
    %%profile_model
    small = keras.Sequential([...])
    big = keras.Sequential([...])

    %profile_model small big --runtime keras.predict,litert --batch-size 1,8,32
    %profile_model small --input "x_val[:8]" --duration 5s --into report
    %profile_model small ~/models/small.onnx --baseline small/keras.predict
    %profile_model small --scenario server --latency-slo-ms 20 --threads 2
    report = %profile_model models["a"] --device gpu --quiet"""


def manual() -> str:
    """Write the documentation of the magic."""
    options = "\n".join(
        _entry(" ".join((*action.option_strings, *_metavar(action.metavar))), action.help or "") for action in OPTIONS
    )
    return f"{_INTRODUCTION}\n\nOptions:\n{options}\n\nExamples:\n{_EXAMPLES}\n"


def _metavar(metavar: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (metavar,) if isinstance(metavar, str) else ()


def _entry(heading: str, text: str) -> str:
    body = textwrap.fill(text.replace("%%", "%"), _WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return f"    {heading}\n{body}"
