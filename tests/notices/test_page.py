"""The HTML page: self-contained, readable, escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise, product

import pytest

from cases.documents import NOW_MS
from notices.messages import HOSTILE as MEGABYTE
from notices.samples import EXTENT, OPERATOR, case_of
from sekisho.cases.states import NoticeKind
from sekisho.core.config import Operator
from sekisho.measures.model import Language, Reader
from sekisho.notices import page, plain
from sekisho.notices.announcement import announcement
from sekisho.notices.case_notice import case_notice
from sekisho.notices.notice import Form, Notice

COLOURS = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", page.stylesheet()))
HOSTILE = "</p><script>alert(1)</script>\n## x\r\n! y\x1b[2J{{ 7*7 }}\u202e&"


class Reading(HTMLParser):
    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def notices(operator: Operator = OPERATOR, form: Form = Form.MAIL) -> list[Notice]:
    case = case_of("udp_flood", "scan")
    return [
        *(
            case_notice(NoticeKind.FIRST_NOTICE, case, operator, lang, now_ms=NOW_MS, reader=r, form=form)
            for lang, r in product(Language, Reader)
        ),
        *(announcement(EXTENT, operator, lang, now_ms=NOW_MS, form=form) for lang in Language),
    ]


@pytest.mark.parametrize("number", range(6))
def test_a_page_is_whole_and_loads_nothing(number: int) -> None:
    """Its language is named, it has one main heading, every tag is closed, and nothing points outside."""
    notice = notices()[number]
    text = page.render(notice)
    read = Reading(text)
    assert ("html", "lang", notice.language) in read.attributes
    assert read.tags.count("h1") == 1
    assert not {"script", "img", "link", "iframe", "a", "form", "object"} & set(read.tags)
    assert not {name for _, name, _ in read.attributes} & {"src", "href", "style", "onclick"}
    assert re.search(r"https?:|url\(|@import|//[a-z]", text) is None
    assert "width=device-width" in text
    assert "default-src 'none'" in text


def test_headings_do_not_skip_a_level() -> None:
    """A screen reader walks h1, h2, h3."""
    for notice in notices():
        levels = [int(tag[1]) for tag in Reading(page.render(notice)).tags if re.fullmatch(r"h\d", tag)]
        assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("mark", ["", "## ", "### ", "- ", "> ", "! "])
def test_hostile_names_are_text(form: Form, mark: str) -> None:
    """Markup, marks of ours, template marks, control characters and line ends change nothing but the words."""
    names = dict.fromkeys(Operator.model_fields, mark + HOSTILE)
    for hostile, good in zip(notices(Operator(**names), form), notices(form=form), strict=True):
        assert [block.kind for block in hostile.blocks] == [block.kind for block in good.blocks]
        html, text = page.render(hostile), plain.render(hostile)
        assert Reading(html).tags == Reading(page.render(good)).tags
        assert "<script" not in html
        assert not {c for c in text if not c.isprintable()} - {"\n"}
        assert "{{ 7*7 }}" in text


@pytest.mark.parametrize(("about", "language"), list(product(NoticeKind, Language)))
def test_a_megabyte_of_hostile_words_is_cut_and_inert(about: NoticeKind, language: Language) -> None:
    """Every message, as a page and as text: the same blocks, no markup, no control character, not endless."""
    names = Operator(**dict.fromkeys(Operator.model_fields, MEGABYTE))
    found = case_of("udp_flood")
    hostile, good = (case_notice(about, found, who, language, now_ms=NOW_MS) for who in (names, OPERATOR))
    assert [block.kind for block in hostile.blocks] == [block.kind for block in good.blocks]
    html, text = page.render(hostile), plain.render(hostile)
    assert Reading(html).tags == Reading(page.render(good)).tags
    assert not {c for c in text if not c.isprintable()} - {"\n"}
    assert max(len(html), len(text)) < 40_000


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("ink", "paper"),
    [("ink", "paper"), ("accent", "paper"), ("ink", "box"), ("note-ink", "note")],
)
def test_text_can_be_read(ink: str, paper: str) -> None:
    """WCAG 2.2, 1.4.3: every text has a contrast of at least 4.5 : 1."""
    high, low = sorted((luminance(COLOURS[ink]), luminance(COLOURS[paper])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_every_colour_has_a_name() -> None:
    """No colour stands outside the list that is checked."""
    assert len(re.findall(r"#[0-9a-fA-F]{3,8}\b", page.stylesheet())) == len(COLOURS)
