"""A notice as one HTML page, for a narrow phone and for paper: nothing is loaded, nothing needs to be clicked."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template

    from sekisho.notices.notice import Notice


def render(notice: Notice) -> str:
    """The whole page; every word of it is escaped."""
    runs = [(kind.name.lower(), list(blocks)) for kind, blocks in groupby(notice.blocks, lambda block: block.kind)]
    return _template().render(notice=notice, runs=runs, css=stylesheet())


@cache
def stylesheet() -> str:
    """The page's style; it stands in the page."""
    return files(__package__).joinpath("page.css").read_text("utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sekisho.notices", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")
