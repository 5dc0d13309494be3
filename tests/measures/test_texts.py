"""The measures' texts: complete in both languages and at both levels, with the same placeholders."""

from __future__ import annotations

from string import Formatter

import pytest

from sekisho.measures.model import Language, MeasureId, Reader, Text, measures
from sekisho.measures.order import DeviceKind, device_names

FIVE = set(MeasureId) - {MeasureId.MAKER}


def placeholders(wording: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(wording) if name}


def every_text() -> list[tuple[str, Text]]:
    rows = [(f"{m.id}.title", m.title) for m in measures().values()]
    rows += [(f"{m.id}.why", m.why) for m in measures().values()]
    rows += [(f"{m.id}.{a.id}", a.text) for m in measures().values() for a in m.actions]
    return rows + [(str(kind), text) for kind, text in device_names().items()]


@pytest.mark.parametrize(("name", "text"), every_text())
def test_every_wording_has_the_same_placeholders(name: str, text: Text) -> None:
    """A value that a caller gives is used in every language and level, and none is missing."""
    sets = {frozenset(placeholders(wording)) for wording in text.wording.values()}
    assert len(sets) == 1, name


@pytest.mark.parametrize(("name", "text"), every_text())
def test_japanese_is_japanese_and_english_is_english(name: str, text: Text) -> None:
    """No wording is left in the other language."""
    for (language, _), wording in text.wording.items():
        has_kana_or_kanji = any("\u3040" <= c <= "\u9fff" for c in wording)
        assert has_kana_or_kanji == (language is Language.JA), name


def test_each_measure_says_what_to_do_and_why() -> None:
    """Five measures and the maker's questions, each with actions whose ids are unique within it."""
    assert list(measures()) == list(MeasureId)
    for measure in measures().values():
        ids = [action.id for action in measure.actions]
        assert len(ids) >= 2
        assert len(set(ids)) == len(ids)


def test_factory_reset_is_an_action_of_its_own_that_sends_back_to_credentials() -> None:
    """A reset brings default passwords back, so its text says to set new ones."""
    reset = measures()[MeasureId.SETTINGS].action("factory_reset").text
    assert "パスワード" in reset.render(Language.JA)
    assert "password" in reset.render(Language.EN)


def test_the_open_service_is_named_where_it_is_known() -> None:
    """For reflection the text carries the service, in both languages."""
    text = measures()[MeasureId.CONNECTIONS].action("close_service").text
    for language in Language:
        for reader in Reader:
            assert "NTP (123)" in text.render(language, reader, service="NTP (123)")


def test_a_missing_value_is_an_error_not_an_empty_gap() -> None:
    """A text never goes out with a hole in it."""
    with pytest.raises(KeyError):
        measures()[MeasureId.CONNECTIONS].action("close_service").text.render(Language.JA)


def test_an_unknown_action_is_an_error() -> None:
    """Ids that stand in old cases and are gone do not pass silently."""
    with pytest.raises(KeyError):
        measures()[MeasureId.REBOOT].action("pray")


def test_every_kind_of_device_has_a_name() -> None:
    """A report can name each kind."""
    assert set(device_names()) == set(DeviceKind)
