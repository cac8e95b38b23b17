"""The panel of ``explain`` as plain text: a short report for terminals and front ends that show no HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.panel.text import failure_lines, sheet_lines, titled, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.panel.explain_parts import Card
    from inferspeed_magic.panel.explain_view import ExplainView


def explain_text(view: ExplainView) -> str:
    """Draw the view: what was found first, the models, the reasons, the layers that take longest."""
    blocks = [
        wrapped([*([view.interrupted] if view.interrupted else ()), *view.headline]),
        wrapped([f"{view.title}.", view.machine], indent="  "),
        *([["What was found:", *_card_lines(view.cards[0])]] if view.cards else []),
        *(list(_card_lines(card)) for card in view.cards[1:]),
        titled("Models", view.counted),
        titled("Latency of a call, and what it is made of", view.summary),
        *(sheet_lines(each.sheet) for each in view.waterfalls),
        sheet_lines(view.longest),
        sheet_lines(view.fits),
        sheet_lines(view.counterfactuals),
        sheet_lines(view.overheads),
        sheet_lines(view.ceilings),
        failure_lines("Not measured", view.failures),
        titled("Warnings", view.warnings),
        titled("Notes", view.notes),
        wrapped(view.footnotes),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _card_lines(card: Card) -> Iterator[str]:
    """Write a finding: the sentence with its numbers, and below what to do."""
    whose = f"{card.subject}: " if card.subject and card.subject not in card.sentence else ""
    evidence = f" [{'; '.join(card.evidence_words)}]" if card.evidence_words else ""
    number = f"{card.number}. "
    lines = wrapped([f"{number}{whose}{card.sentence}{evidence}"], indent="  ")
    yield from lines
    yield from wrapped(_below(card), indent="     ")


def _below(card: Card) -> Iterator[str]:
    explains = f", accounts for {card.explains}" if card.explains else ""
    yield f"Confidence: {card.confidence}{explains}."
    if card.advice:
        yield f"What to do: {card.advice}"
    gains = [f"Expected gain: {card.expected}"] * bool(card.expected)
    gains += [f"measured: {card.measured}" if gains else f"Measured gain: {card.measured}"] * bool(card.measured)
    if gains:
        yield f"{'; '.join(gains)}."
    if card.verify and not card.measured:
        yield f"Verify it: {card.verify}"
