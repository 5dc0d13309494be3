"""The texts themselves: both languages, the same placeholders, words for every kind."""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files
from itertools import product
from pathlib import Path
from string import Formatter

import pytest

from cases.documents import NOW_MS, T0_MS
from notices.samples import CASE_KINDS, EXTENT, OPERATOR, case_of
from sekisho.cases.states import NoticeKind
from sekisho.measures.model import Language, Text
from sekisho.notices import plain, wording
from sekisho.notices.announcement import announcement
from sekisho.notices.case_notice import case_notice
from sekisho.notices.kinds import OTHER, kind_wordings
from sekisho.notices.markup import Kind, parse
from sekisho.notices.notice import TEXTS
from sekisho.notices.wording import MINUTE_MS, phrases

FOLDER = files("sekisho.notices") / "texts"
GOLDEN = Path(__file__).with_name("golden")
JA, EN = Language.JA, Language.EN


def statements(name: str, part: str, language: Language) -> Counter[str]:
    """Placeholders and statements of a template, without the words between them."""
    text = (FOLDER / name / f"{part}.{language}").read_text("utf-8")
    return Counter(re.sub(rf"\.{language}\b", "", mark) for mark in re.findall(r"{[{%].*?[%}]}", text))


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("part", ["subject", "body", "letter"])
def test_both_languages_use_the_same_placeholders(name: str, part: str) -> None:
    """What one language tells, the other does."""
    assert statements(name, part, JA) == statements(name, part, EN)


def test_every_folder_of_texts_is_listed() -> None:
    """A text that nobody lists is tested by nobody."""
    assert {entry.name for entry in FOLDER.iterdir() if entry.is_dir()} == set(TEXTS)


def test_every_kind_that_makes_a_case_has_words() -> None:
    """And nothing else has; an operator's own kinds share the general ones."""
    assert set(kind_wordings()) == {kind for kind in CASE_KINDS if not kind.startswith("x_")} | {OTHER}


def every_text() -> list[tuple[str, Text]]:
    kinds = [
        (f"{kind}.{part}", getattr(words, part))
        for kind, words in kind_wordings().items()
        for part in ("what", "seen", "effect")
    ]
    return [*phrases().items(), *kinds]


@pytest.mark.parametrize(("name", "text"), every_text())
def test_every_phrase_has_the_same_placeholders(name: str, text: Text) -> None:
    """In both languages; the two levels of a language may differ."""
    wordings = {
        language: {
            reader: {hole for _, hole, _, _ in Formatter().parse(words) if hole}
            for (lang, reader), words in text.wording.items()
            if lang is language
        }
        for language in Language
    }
    assert wordings[JA] == wordings[EN], name


@pytest.mark.parametrize(("name", "text"), [row for row in every_text() if row[0] not in ("listed", "unset")])
def test_japanese_is_japanese_and_english_is_english(name: str, text: Text) -> None:
    """No wording is left in the other language."""
    for (language, _), words in text.wording.items():
        assert any("\u3040" <= c <= "\u9fff" for c in words) == (language is JA), name


@pytest.mark.parametrize(("about", "language"), list(product(NoticeKind, Language)))
def test_the_golden_notices(about: NoticeKind, language: Language) -> None:
    """Each message as it goes out, so that a change of any word is seen by whoever makes it."""
    golden = (GOLDEN / f"{about}.{language}.txt").read_text("utf-8")
    assert plain.render(case_notice(about, case_of("udp_flood"), OPERATOR, language, now_ms=NOW_MS)) == golden


@pytest.mark.parametrize("language", Language)
def test_the_golden_announcement(language: Language) -> None:
    """The same for what goes to everybody."""
    golden = (GOLDEN / f"announcement.{language}.txt").read_text("utf-8")
    assert plain.render(announcement(EXTENT, OPERATOR, language, now_ms=NOW_MS)) == golden


@pytest.mark.parametrize(
    "part",
    sorted({entry.name.partition(".")[0] for entry in FOLDER.iterdir() if entry.is_file()} - {"kinds", "phrases"}),
)
def test_parts_use_the_same_placeholders(part: str) -> None:
    """What several texts share is told in both languages, too."""
    wordings = [
        Counter(re.findall(r"{[{%].*?[%}]}", (FOLDER / f"{part}.{lang}").read_text("utf-8"))) for lang in Language
    ]
    assert wordings[0] == wordings[1]


def test_times_are_told_in_both_clocks() -> None:
    """The last minute is told as a whole."""
    period = (T0_MS, T0_MS + 61_000)
    assert wording.period(*period, JA) == (
        "2026年11月24日 12:00から12:02まで（日本時間 JST）、協定世界時（UTC）では2026年11月24日 03:00から03:02まで"
    )
    assert wording.period(*period, EN) == "24 November 2026, 12:00 to 12:02 JST (24 November 2026, 03:00 to 03:02 UTC)"


def test_the_date_is_told_where_it_changes() -> None:
    """Midnight in Japan and midnight in UTC fall at different hours of the period."""
    period = (T0_MS - 240 * MINUTE_MS, T0_MS + 720 * MINUTE_MS)
    ja, en = (wording.period(*period, language) for language in (JA, EN))
    assert "2026年11月24日 08:00から2026年11月25日 00:00まで" in ja
    assert "2026年11月23日 23:00から2026年11月24日 15:00まで" in ja
    assert "24 November 2026, 08:00 to 25 November 2026, 00:00 JST" in en
    assert "23 November 2026, 23:00 to 24 November 2026, 15:00 UTC" in en


@pytest.mark.parametrize(
    ("value", "ja", "en"),
    [
        (0.4, "0ビット", "0 bits"),
        (800, "800ビット", "800 bits"),
        (12_800, "13キロビット", "13 kilobits"),
        (999_600, "1メガビット", "1 megabits"),
        (231e6, "230メガビット", "230 megabits"),
        (1.26e9, "1.3ギガビット", "1.3 gigabits"),
        (4.5e13, "45000ギガビット", "45000 gigabits"),
    ],
)
def test_rates_keep_two_digits(value: float, ja: str, en: str) -> None:
    """An estimate is told no finer than it is known."""
    assert (wording.bits(value, JA), wording.bits(value, EN)) == (ja, en)


def test_marks_become_blocks() -> None:
    """Each mark at the beginning of a line, and nowhere else."""
    text = "## a ## b\n\n### 1. c\n- d\n> e :: f :: g\n! AAAA\n#h\n  i  j\n"
    assert [(b.kind, b.label, b.text) for b in parse(text)] == [
        (Kind.HEADING, "", "a ## b"),
        (Kind.STEP, "", "1. c"),
        (Kind.ITEM, "", "d"),
        (Kind.BOX, "e", "f :: g"),
        (Kind.CODE, "", "AAAA"),
        (Kind.PARAGRAPH, "", "#h"),
        (Kind.PARAGRAPH, "", "i j"),
    ]
