"""The panel as plain text."""

from __future__ import annotations

from profile_records import MACHINE, SCRIPT, baseline, failed, record, result, usual

from inferspeed_magic.panel import profile_text, profile_view


def text(*results, **changes):
    return profile_text(profile_view(record(*results, **changes)))


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
