"""Conditions that hold: said once when they begin and once when they end, in both languages alike."""

from __future__ import annotations

import string
from types import SimpleNamespace

import pytest

from sekisho.core import alarms as module
from sekisho.core.alarms import TEXTS, Alarms, Condition


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("condition", Condition)
def test_both_languages_say_the_same(condition: Condition):
    """Every condition has a sentence in Japanese and in English with the same placeholders."""
    texts = TEXTS[condition]
    assert set(texts) == {"ja", "en"}
    assert all(texts.values())
    assert holes(texts["ja"]) == holes(texts["en"])


def test_a_condition_keeps_its_beginning_and_shows_its_latest_values(monkeypatch: pytest.MonkeyPatch):
    """It is logged when it begins and when it ends, however often it is looked at."""
    now, said = [1_000], list[str]()
    log = SimpleNamespace(warning=lambda event, **_: said.append(event), info=lambda event, **_: said.append(event))
    monkeypatch.setattr(module, "logger", lambda: log)
    alarms = Alarms(lambda: now[0])
    for count in (5, 7):
        alarms.look(Condition.OVERLOAD, {"192.0.2.1": {"count": count}})
        now[0] += 4_000
    (held,) = alarms
    assert (held.since_ms, held.values) == (1_000, {"count": 7})
    assert "7 datagrams of 192.0.2.1" in held.text("en")
    alarms.look(Condition.OVERLOAD, {})
    assert not list(alarms)
    assert [event.split(":")[0] for event in said] == ["processing is behind", "no longer so"]
