"""What a subscriber says about measures and devices."""

from __future__ import annotations

import pytest

from cases.documents import NOW_MS
from cases.sending import act
from cases.subscriber.conftest import CASE
from sekisho.cases import subject_access
from sekisho.cases.answers import dismiss
from sekisho.cases.database import writing
from sekisho.cases.lifecycle import set_measure
from sekisho.cases.read import get_case
from sekisho.cases.states import Disposition, State
from sekisho.cases.subscriber import told as by_word
from sekisho.core.errors import Refused
from sekisho.measures.model import MeasureId, MeasureState
from sekisho.measures.order import DeviceKind


def state_of(connection, measure: MeasureId) -> MeasureState:
    return next(p.state for p in get_case(connection, CASE).measures if p.measure is measure)


def test_a_measure_is_claimed_and_taken_back(url: str) -> None:
    """Each by itself; the first word acknowledges the case; said twice it is said once."""
    with writing(url) as connection:
        by_word.say(connection, CASE, MeasureId.REBOOT, MeasureState.CLAIMED, act())
        by_word.say(connection, CASE, MeasureId.REBOOT, MeasureState.CLAIMED, act(NOW_MS + 5))
        assert state_of(connection, MeasureId.REBOOT) is MeasureState.CLAIMED
        assert state_of(connection, MeasureId.SETTINGS) is MeasureState.OPEN
        case = get_case(connection, CASE)
        assert case.state is State.ACKNOWLEDGED
        assert next(p for p in case.measures if p.measure is MeasureId.REBOOT).changed_at_ms == NOW_MS
        by_word.say(connection, CASE, MeasureId.REBOOT, MeasureState.OPEN, act())
        by_word.say(connection, CASE, MeasureId.SETTINGS, MeasureState.NOT_APPLICABLE, act())
        assert state_of(connection, MeasureId.REBOOT) is MeasureState.OPEN
        assert state_of(connection, MeasureId.SETTINGS) is MeasureState.NOT_APPLICABLE


def test_a_word_neither_makes_evidence_nor_takes_it_back(url: str) -> None:
    """Who has shown it need not say it."""
    with writing(url) as connection:
        with pytest.raises(Refused):
            by_word.say(connection, CASE, MeasureId.REBOOT, MeasureState.EVIDENCED, act())
        set_measure(connection, CASE, MeasureId.REBOOT, MeasureState.EVIDENCED, act())
        with pytest.raises(Refused):
            by_word.say(connection, CASE, MeasureId.REBOOT, MeasureState.OPEN, act())


def test_devices_are_replaced_and_told_to_the_person_they_are_about(url: str) -> None:
    """What was said last holds; the subject's own export has it."""
    with writing(url) as connection:
        by_word.set_devices(connection, CASE, [DeviceKind.CAMERA, DeviceKind.ROUTER, DeviceKind.CAMERA], act())
        by_word.set_devices(connection, CASE, [DeviceKind.ROUTER, DeviceKind.NAS], act())
        assert by_word.devices_of(connection, CASE) == {DeviceKind.ROUTER, DeviceKind.NAS}
        assert subject_access.export(connection, "L1", act())["cases"][0]["devices"] == ["nas", "router"]
        by_word.set_devices(connection, CASE, [], act())
        assert by_word.devices_of(connection, CASE) == frozenset()


def test_a_doubt_is_counted_once_and_asks_for_a_person(url: str) -> None:
    """The effect report shows it beside the operator's own mistakes."""
    with writing(url) as connection:
        assert not by_word.is_doubted(connection, CASE)
        by_word.doubt(connection, CASE, act())
        by_word.doubt(connection, CASE, act())
        assert by_word.is_doubted(connection, CASE)
        kinds = [row["kind"] for row in subject_access.export(connection, "L1", act())["cases"][0]["answers"]]
        assert kinds == ["wrong_line"]


def test_nothing_is_said_about_a_closed_case(url: str) -> None:
    """It waits for nothing."""
    with writing(url) as connection:
        dismiss(connection, CASE, Disposition.LOOK_ALIKE, act())
        with pytest.raises(Refused):
            by_word.say(connection, CASE, MeasureId.REBOOT, MeasureState.CLAIMED, act())
        with pytest.raises(Refused):
            by_word.set_devices(connection, CASE, [DeviceKind.ROUTER], act())
        with pytest.raises(Refused):
            by_word.doubt(connection, CASE, act())
