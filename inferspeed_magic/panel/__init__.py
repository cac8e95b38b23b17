"""What the user sees: plain text, HTML and widgets, drawn from records alone.

A record becomes a view (plain data, everything formatted, nothing escaped), a view becomes text or HTML.
"""

from inferspeed_magic.panel.html import profile_html
from inferspeed_magic.panel.progress import CellProgress, NoProgress, Progress
from inferspeed_magic.panel.text import profile_text
from inferspeed_magic.panel.view import ProfileView, profile_view

__all__ = [
    "CellProgress",
    "NoProgress",
    "ProfileView",
    "Progress",
    "profile_html",
    "profile_text",
    "profile_view",
]
