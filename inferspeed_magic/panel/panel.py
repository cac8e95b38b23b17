"""The whole panel as one HTML output: words and tables, a picture, and the script that takes the picture's place."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from inferspeed_magic.panel.html import profile_html
from inferspeed_magic.panel.interactive import interactive
from inferspeed_magic.panel.picture import profile_picture_words

if TYPE_CHECKING:
    from inferspeed_magic.panel.charts import ProfileCharts
    from inferspeed_magic.panel.view import ProfileView


def profile_panel(view: ProfileView, charts: ProfileCharts, picture: bytes) -> str:
    """Draw the panel of ``profile``.

    Args:
        view: what it says.
        charts: what its charts draw.
        picture: PNG of the charts; nothing where nothing was measured.
    """
    if not view.rows:
        return profile_html(view)
    image = (
        f'<img class="inferspeed-picture" style="max-width:100%" alt="{escape(profile_picture_words(view, charts))}" '
        f'src="data:image/png;base64,{base64.b64encode(picture).decode("ascii")}">'
    )
    return profile_html(view, image if picture else "", interactive(view, charts))
