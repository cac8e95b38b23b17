"""What the user sees: plain text, HTML and widgets, drawn from records alone.

A record becomes a view and charts (plain data, nothing escaped); these become text, a picture, and HTML with a script.
"""

from inferspeed_magic.panel.charts import ProfileCharts, profile_charts
from inferspeed_magic.panel.explain_charts import ExplainCharts, explain_charts
from inferspeed_magic.panel.explain_html import explain_html
from inferspeed_magic.panel.explain_panel import explain_panel
from inferspeed_magic.panel.explain_picture import explain_picture, explain_picture_words
from inferspeed_magic.panel.explain_text import explain_text
from inferspeed_magic.panel.explain_view import ExplainView, explain_view
from inferspeed_magic.panel.html import profile_html
from inferspeed_magic.panel.optimize_charts import OptimizeCharts, optimize_charts
from inferspeed_magic.panel.optimize_html import optimize_html
from inferspeed_magic.panel.optimize_panel import optimize_panel
from inferspeed_magic.panel.optimize_picture import optimize_picture, optimize_picture_words
from inferspeed_magic.panel.optimize_text import optimize_text
from inferspeed_magic.panel.optimize_view import OptimizeView, optimize_view
from inferspeed_magic.panel.panel import profile_panel
from inferspeed_magic.panel.picture import profile_picture, profile_picture_words
from inferspeed_magic.panel.progress import CellProgress, NoProgress, Progress
from inferspeed_magic.panel.text import profile_text
from inferspeed_magic.panel.view import ProfileView, profile_view

__all__ = [
    "CellProgress",
    "ExplainCharts",
    "ExplainView",
    "NoProgress",
    "OptimizeCharts",
    "OptimizeView",
    "ProfileCharts",
    "ProfileView",
    "Progress",
    "explain_charts",
    "explain_html",
    "explain_panel",
    "explain_picture",
    "explain_picture_words",
    "explain_text",
    "explain_view",
    "optimize_charts",
    "optimize_html",
    "optimize_panel",
    "optimize_picture",
    "optimize_picture_words",
    "optimize_text",
    "optimize_view",
    "profile_charts",
    "profile_html",
    "profile_panel",
    "profile_picture",
    "profile_picture_words",
    "profile_text",
    "profile_view",
]
