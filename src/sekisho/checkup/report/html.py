"""The report as one self-contained HTML file: no script, nothing loaded, every value from a device escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sekisho.checkup.report.view import View


FOLD_FROM = 3
"""So many names stand beside a question as they are; a longer list is folded on the screen, and whole on paper."""


def render(view: View) -> str:
    """The whole document."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sekisho.checkup.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja").render(view=view, fold_from=FOLD_FROM)
