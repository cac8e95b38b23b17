"""The panel of ``optimize`` as plain text, for terminals and for front ends that show no HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.panel.text import failure_lines, sheet_lines, table_lines, titled, wrapped

if TYPE_CHECKING:
    from inferspeed_magic.panel.optimize_view import OptimizeView


def optimize_text(view: OptimizeView) -> str:
    """Draw the view with aligned columns; latencies and costs are two tables, because one would be too wide."""
    blocks = [
        wrapped([*([view.interrupted] if view.interrupted else ()), *view.headline]),
        wrapped([f"Warning: {alert}" for alert in view.alerts]),
        wrapped([view.aim, view.machine], indent="  "),
        sheet_lines(view.path),
        [f"{view.title}:", *table_lines(view, "latency", with_marks=True)] if view.rows else [],
        table_lines(view, "cost", with_marks=False),
        [*sheet_lines(view.training), *wrapped([f"{each.title}: {each.words}" for each in view.courses], indent="  ")],
        failure_lines("Measured and not chosen", view.rejections),
        failure_lines("Not measured", view.failures),
        failure_lines("Not tried", view.left_out),
        sheet_lines(view.predictions),
        sheet_lines(view.layers),
        titled("Which one to use", view.guide),
        titled("Warnings", view.warnings),
        titled("Notes", view.notes),
        wrapped(view.footnotes),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)
