from __future__ import annotations

import pytest


@pytest.fixture
def machine(stub):
    stub("inferspeed_magic.measurement.machine", describe=lambda: "a fast machine")
    stub("inferspeed_magic.discovery", runtime_statuses=lambda: ("litert 2.1",))
    stub(
        "inferspeed_magic.panel.machine",
        machine_text=lambda machine, statuses: f"{machine} with {', '.join(statuses)}",
        machine_html=lambda machine, statuses: f"<p>{machine} with {', '.join(statuses)}</p>",
    )


@pytest.mark.usefixtures("machine")
def test_shows_text_and_html(notebook):
    card = notebook.run("%inferspeed").result
    assert "a fast machine with litert 2.1" in notebook.out
    data, _ = notebook.shell.display_formatter.format(card)
    assert data["text/html"] == "<p>a fast machine with litert 2.1</p>"
    assert data["text/plain"] == "a fast machine with litert 2.1"


@pytest.mark.usefixtures("machine")
def test_a_comment_is_no_argument(notebook):
    assert notebook.run("%inferspeed ;  # where am I?").error_in_exec is None


def test_arguments_are_a_mistake(notebook):
    assert notebook.mistake("%inferspeed --verbose") == (
        "%inferspeed takes no arguments, so leave out --verbose; %profile_model profiles"
    )


def test_help(notebook):
    notebook.run("%inferspeed?")
    assert "which runtimes are available" in notebook.out
