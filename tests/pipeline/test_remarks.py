"""Remarks say the same in both languages."""

from __future__ import annotations

import string

import pytest

from sekisho.pipeline.remarks import TEXTS, UNITS, Remark

VALUES = {
    "damage": "x.pcap ends inside a record",
    "count": 1234,
    "exporter": "192.0.2.1",
    "domain": 7,
    "lost": 99,
    "unit": "packets",
    "share": 0.25,
    "skew_s": -3.5,
    "margin_s": 2.0,
    "limit": "pair_limit",
    "file": "feed.csv",
    "taken": 120,
    "reasons": "too_wide 2, ours 1",
    "example": "feed.csv, line 3: expected a prefix of /24 or longer, found '0.0.0.0/0'",
}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_have_the_same_placeholders(key: str):
    """Nothing is told in one language alone."""
    assert placeholders(TEXTS[key]["ja"]) == placeholders(TEXTS[key]["en"])


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("key", TEXTS)
def test_every_sentence_renders_with_its_values(key: str, lang):
    """Every value that a sentence is given stands in it, in its unit's own word."""
    names = placeholders(TEXTS[key][lang])
    text = Remark(key=key, values={name: VALUES[name] for name in names}).text(lang)
    assert "{" not in text
    if "unit" in names:
        assert UNITS["packets"][lang] in text
