"""The panel as plain text."""

from __future__ import annotations

from profile_records import MACHINE, SCRIPT, baseline, failed, record, result, usual

from inferspeed_magic.panel import profile_text, profile_view

USUAL = """\
litert is the fastest on deep at batch 1: 0.0931 ms (0.0912-0.0950), 1,150x (1,100-1,200) faster than
  keras.predict.

  Intel Xeon Platinum 8259CL, 2 of 48 cores, 16.0 GB, AVX2 FMA AVX-512, virtual (KVM), Debian GNU/Linux 12,
    Python 3.11.7
  Inference latency, batch 1, cpu, 2 threads, back to back

model  runtime         p50 ms                  p90 ms  p95 ms  p99 ms  speed-up              samples/s
-----------------------------------------------------------------------------------------------------------------------
deep   keras.predict      107 (105-109)           128       -       -   1.00x                     9.25  baseline
deep   keras.call        8.20 (8.04-8.36)        9.84    10.7    13.9   13.1x (12.5-13.6)          121
deep   keras.compiled   0.790 (0.774-0.806)     0.948    1.03    1.34    135x (130-141)          1,250  not trustworthy
deep   litert          0.0931 (0.0912-0.0950)   0.112   0.121   0.158  1,150x (1,100-1,200)     10,600  fastest
deep   onnxruntime      0.122 (0.120-0.124)     0.146   0.159   0.207    877x (842-912)          8,110

model  runtime         load ms  compile ms  first ms  memory MB  artifact MB    error
-------------------------------------------------------------------------------------
deep   keras.predict      12.3         456      7.89        312            -        -
deep   keras.call         12.3         456      7.89        312        0.134  2.1e-07
deep   keras.compiled     12.3         456      7.89        312        0.134  2.1e-07
deep   litert             12.3         456      7.89        312        0.134  2.1e-07
deep   onnxruntime        12.3         456      7.89        312        0.134  2.1e-07

Not measured:
  openvino - unavailable: openvino is not installed: pip install openvino
  deep/keras.xla - crashed: the worker died of SIGSEGV while it compiled

Warnings:
  deep/keras.compiled: not trustworthy, latency has two modes: 60% of inferences take 0.7 ms, 40% 1.1 ms

p50 ms: half of the inferences took less; in parentheses its 95% interval.
speed-up: p50 of the baseline (deep/keras.predict) divided by this p50, and its 95% interval.
samples/s: as measured, not 1/latency.
first ms: the first inference after loading and compiling.
memory MB: peak of the worker process.
error: largest deviation from the source model's outputs, relative to their largest."""


def text(*results, **changes):
    return profile_text(profile_view(record(*results, **changes)))


def test_the_usual_report():
    assert profile_text(profile_view(usual())) == USUAL


def test_interrupted_comes_first():
    shown = profile_text(profile_view(usual(interrupted=True)))
    assert shown.startswith("Interrupted: partial results kept (5 of 7 candidates measured).\nlitert is the fastest")


def test_nothing_at_all():
    assert text() == (
        "Nothing was measured.\n\n"
        "  Intel Xeon Platinum 8259CL, 2 of 48 cores, 16.0 GB, AVX2 FMA AVX-512, virtual (KVM), Debian GNU/Linux 12,\n"
        "    Python 3.11.7\n  Inference latency, back to back"
    )


def test_failures_alone():
    shown = text(failed(), failed("deep/litert", "timed_out", "no answer within 60 s"))
    assert shown.startswith("Nothing was measured: the reasons are below.")
    assert "  deep/litert - timed out: no answer within 60 s" in shown


def test_no_difference_is_said_in_words():
    shown = text(baseline(), result("deep/keras.call", 105.0, 1.02))
    assert next(line for line in shown.splitlines() if line.startswith("deep   keras.call")).endswith(
        "no difference seen"
    )


def test_wide_characters_take_two_columns():
    lines = text(result("深/litert"), result("ab/litert", 0.2), baseline=None).splitlines()
    wide, narrow = (next(line for line in lines if line.startswith(name)) for name in ("深 ", "ab "))
    # One character less, and yet as many columns of the terminal.
    assert wide.index("(") == narrow.index("(") - 1


def test_an_install_command_is_never_broken():
    command = "pip install 'inferspeed-magic[openvino]'"
    shown = text(failed(reason=f"{'openvino is not installed and so cannot be used here ' * 3}: {command}"))
    assert "'inferspeed-magic[openvino]'" in shown
    assert max(map(len, shown.splitlines())) <= 110


def test_text_shows_names_as_they_are_but_no_terminal_codes():
    shown = text(result(f"{SCRIPT}/x\x1b]0;y"), machine=MACHINE, baseline=None)
    assert "\x1b" not in shown
    assert "<script>alert(1)<" in shown
