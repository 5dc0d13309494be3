"""Pages, their files and their texts."""

from __future__ import annotations

import re
import string
from importlib.resources import files

import pytest
from jinja2 import UndefinedError
from starlette.requests import Request

from sekisho.measures.model import Language, Reader
from sekisho.web.base import texts
from sekisho.web.base.files import StaticFiles
from sekisho.web.base.pages import BASE, Pages


def request(query: str = "") -> Request:
    return Request(
        {
            "type": "http", "method": "GET", "path": "/a", "scheme": "http", "query_string": query.encode(),
            "headers": [(b"host", b"portal.example")],
        }
    )  # fmt: skip


@pytest.fixture
def pages() -> Pages:
    return Pages(BASE, StaticFiles(BASE))


def test_a_page_has_its_language_and_remembers_the_choice(pages: Pages) -> None:
    """In the document, in the header, in the cookie."""
    page = pages.page(request("lang=en"), "layout.html")
    assert '<html lang="en"' in page.body.decode()
    assert page.headers["content-language"] == "en"
    assert "sekisho_lang=en" in page.headers["set-cookie"]


def test_values_are_escaped_and_gaps_fail(pages: Pages) -> None:
    """A page with a hole in it is a mistake of ours and is not shown."""
    template = pages._environment.from_string("{{ word }}")
    assert template.render(word="<b>") == "&lt;b&gt;"
    with pytest.raises(UndefinedError):
        template.render()


def test_nothing_of_a_page_is_inline() -> None:
    """The policy of ``headers.py`` would refuse it, and nobody would see why."""
    for package in (BASE,):
        for template in files(package).joinpath("templates").iterdir():
            text = template.read_text("utf-8")
            assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:|https?://", text), template.name


@pytest.mark.parametrize("package", [BASE])
def test_every_text_has_both_languages_with_the_same_placeholders(package: str) -> None:
    """At both reading levels."""
    for name, text in texts.load(package).items():
        found = {
            frozenset(field for _, field, _, _ in string.Formatter().parse(text.wording[language, reader]) if field)
            for language in Language
            for reader in Reader
        }
        assert len(found) == 1, name
        assert all(text.wording.values()), name


def test_files_are_named_with_their_content() -> None:
    """So that browsers can keep them; a name is looked up and never becomes a path."""
    static = StaticFiles(BASE)
    _, _, digest, name = static.address("theme.css").split("/")

    def ask(digest: str, name: str) -> Request:
        return Request(
            {"type": "http", "method": "GET", "headers": [], "path_params": {"digest": digest, "name": name}}
        )

    answer = static.answer(ask(digest, name))
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert static.answer(ask("0" * 12, name)).status_code == 404
    assert static.answer(ask(digest, "../pages.py")).status_code == 404


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


PAIRS = [
    *[(ink, paper) for ink in ("ink", "muted", "link", "accent") for paper in ("paper", "panel", "box")],
    ("on-accent", "accent"),
    *[("ink", f"{kind}-box") for kind in ("good", "warn", "bad")],
    *[(kind, f"{kind}-box") for kind in ("good", "warn", "bad")],
    *[(kind, "paper") for kind in ("good", "warn", "bad")],
]


def test_colours_are_told_apart_by_everybody() -> None:
    """WCAG 2.2 AA: 4.5 to 1 for text, 3 to 1 for the edge of a field, light and dark."""
    css = files(BASE).joinpath("static", "theme.css").read_text("utf-8")
    sets = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in css.split(" color-scheme:")[1:4]]
    assert sets[1] == sets[2]
    for colours in sets[:2]:
        for ink, paper in PAIRS:
            assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
        assert contrast(colours["line"], colours["paper"]) >= 3
