"""What axe-core (https://github.com/dequelabs/axe-core) finds wrong with a page, for people who cannot see or point."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python

SCRIPT = Path(axe_playwright_python.__file__).with_name("axe.min.js")
# Of the guidelines that it checks: WCAG 2.1, A and AA, and what it calls best practice inside a panel.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


def violations(page, within=".inferspeed-panel"):
    """Give each violation as a line: the rule, and where it is broken."""
    page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    found = page.evaluate(
        """async ([within, tags]) => (await axe.run(within, {runOnly: tags})).violations.map(each => `${each.id}: ${
            each.nodes.map(node => node.html.slice(0, 150) + ' ' + (node.any[0]?.message ?? '')).join('; ')}`)""",
        [within, TAGS],
    )
    return list(found)
