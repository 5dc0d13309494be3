"""Colours and texts of the report."""

from __future__ import annotations

import re
import string
from importlib.resources import files

import pytest

from sekisho.core.reasons import FrameReason, UnattributedReason, WireReason
from sekisho.schema.detection import KINDS, Cap, Level
from sekisho.web.report.texts import LANGUAGES, texts

CSS = (files("sekisho.web.report") / "page.css").read_text(encoding="utf-8")
THEMES = [
    dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
]


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_three_themes():
    """There is a theme for light, dark and paper, and each names every colour."""
    assert len(THEMES) == 3
    assert len({frozenset(theme) for theme in THEMES}) == 1


@pytest.mark.parametrize("theme", THEMES)
def test_plot_colours_stand_out(theme):
    """WCAG 2.2, 1.4.11: graphical objects have a contrast of at least 3 : 1 against the page."""
    for name in ("usual", "abnormal"):
        assert contrast(theme[name], theme["paper"]) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read(theme):
    """WCAG 2.2, 1.4.3: text has at least 4.5 : 1, on the page and on panels."""
    for name in ("ink", "muted", "act", "watch", "link"):
        for background in ("paper", "panel"):
            assert contrast(theme[name], theme[background]) >= 4.5


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", texts())
def test_same_placeholders_in_both_languages(key):
    """Every text is there in both languages, with the same placeholders."""
    wording = texts()[key]
    assert set(wording) == set(LANGUAGES)
    assert placeholders(wording["ja"]) == placeholders(wording["en"])


@pytest.mark.parametrize(
    ("family", "codes"),
    [
        ("kind", KINDS),
        ("level", [level.value for level in Level]),
        ("cap", [cap.value for cap in Cap]),
        ("reason", [reason.label for reason in UnattributedReason if reason]),
        ("reason", [reason.value for reason in (*WireReason, *FrameReason)]),
    ],
)
def test_every_code_has_words(family, codes):
    """Every kind, level, cap and reason of ours has a text."""
    assert {f"{family}_{code}" for code in codes} <= set(texts())
