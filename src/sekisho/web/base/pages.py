"""Pages out of templates: escaped, complete or not at all, in the reader's language, each moment in JST and UTC."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

from sekisho.measures.model import Language
from sekisho.notices import wording
from sekisho.web.base import texts
from sekisho.web.base.language import Preferences, TextSize, Theme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from sekisho.web.base.files import StaticFiles

BASE = "sekisho.web.base"
TEMPLATES = "templates"


class Pages:
    """The pages of one application; its templates extend ``layout.html`` of this package.

    Args:
        package: has ``templates/`` and ``texts.toml``.
        static: the files that pages name by ``static("NAME")``.
        shared: what every page of the application may use.
    """

    def __init__(self, package: str, static: StaticFiles, *, shared: Mapping[str, object] | None = None) -> None:
        from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

        self._texts = texts.load(BASE, package)
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(package, TEMPLATES), PackageLoader(BASE, TEMPLATES)]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {"static": static.address, "Language": Language, "Theme": Theme}
        self._environment.globals |= {"TextSize": TextSize, **(shared or {})}

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """One page, and the cookies of what its address asked for.

        Args:
            request: whose page it is.
            template: name of the template.
            status: of the answer.
            headers: beside those of every page.
            values: of the template.
        """
        wishes = Preferences.of(request)
        words = {"say": partial(self.say, wishes.language), "moment": partial(_moment, language=wishes.language)}
        whole = {"request": request, "path": request.url.path, "wishes": wishes, **words, **values}
        html = self._environment.get_template(template).render(whole)
        response = HTMLResponse(html, status, headers={"Content-Language": wishes.language, **(headers or {})})
        wishes.keep(request, response)
        return response

    def say(self, language: Language, name: str, /, **values: object) -> str:
        """One text of the application, or of those that all share."""
        return texts.say(self._texts, language, name, **values)


def _moment(milliseconds: int, *, language: Language) -> str:
    return wording.moment(milliseconds, language)
