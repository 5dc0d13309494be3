"""What a subscriber tells: which measure is done or does not apply, which devices are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from sekisho.cases import answers
from sekisho.cases.lifecycle import set_measure
from sekisho.cases.read import get_case
from sekisho.cases.states import JA, AnswerKind
from sekisho.cases.subscriber_tables import DEVICE
from sekisho.cases.work_tables import ANSWER
from sekisho.core.errors import Refused
from sekisho.measures.model import MeasureId, MeasureState
from sekisho.measures.order import DeviceKind

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act
    from sekisho.cases.model import Case

BY_WORD = frozenset({MeasureState.OPEN, MeasureState.CLAIMED, MeasureState.NOT_APPLICABLE})
"""What a word is enough for; ``evidenced`` needs evidence, and a word takes none back."""


def say(connection: Connection, case_id: int, measure: MeasureId, state: MeasureState, act: Act) -> None:
    """Note how far a measure is by the subscriber's word.

    Said twice it changes nothing, unless the traffic came back in between.

    Raises:
        Refused: the case is closed, or evidence shows it and needs no word.
    """
    case = get_case(connection, case_id)
    before = next(progress for progress in case.measures if progress.measure is measure)
    _require_open(case)
    if state not in BY_WORD or before.state is MeasureState.EVIDENCED:
        raise Refused(
            f"measure {measure} of case {case_id}: a word is not enough for this",
            f"ケース {case_id} の対策 {measure}: 申告だけでは、この状態にできません",
        )
    if before.state is state and not case.is_stale(before):
        return
    set_measure(connection, case_id, measure, state, act)
    answers.answer(connection, case_id, AnswerKind.ANSWERED, act, note=f"{measure}: {state}")


def set_devices(connection: Connection, case_id: int, devices: Collection[DeviceKind], act: Act) -> None:
    """Which kinds of device there are; what was told before is replaced.

    Raises:
        Refused: the case is closed.
    """
    case = get_case(connection, case_id)
    _require_open(case)
    connection.execute(delete(DEVICE).where(DEVICE.c.case_id == case_id))
    rows = [{"case_id": case_id, "device": device, "at": act.at_ms} for device in sorted(set(devices))]
    if rows:
        connection.execute(insert(DEVICE), rows)
    answers.answer(connection, case_id, AnswerKind.ANSWERED, act, note="devices")


def doubt(connection: Connection, case_id: int, act: Act) -> None:
    """The subscriber thinks that another line is meant: a person has to look; said twice it is said once.

    Raises:
        Refused: the case is closed.
    """
    case = get_case(connection, case_id)
    if not case.is_open:
        raise Refused(
            f"case {case_id} is {case.state}: nothing is left to doubt",
            f"ケース {case_id} は「{JA[case.state]}」です。回線の確認はすでに終わっています",
        )
    if not is_doubted(connection, case_id):
        answers.answer(connection, case_id, AnswerKind.WRONG_LINE, act)


def is_doubted(connection: Connection, case_id: int) -> bool:
    """Whether that was said, here or to a person."""
    said = select(ANSWER.c.id).where(ANSWER.c.case_id == case_id, ANSWER.c.kind == AnswerKind.WRONG_LINE).limit(1)
    return connection.execute(said).first() is not None


def devices_of(connection: Connection, case_id: int) -> frozenset[DeviceKind]:
    """What was told last."""
    rows = connection.execute(select(DEVICE.c.device).where(DEVICE.c.case_id == case_id)).scalars()
    return frozenset(DeviceKind(row) for row in rows)


def _require_open(case: Case) -> None:
    if not case.is_open:
        raise Refused(
            f"case {case.number} is {case.state}: nothing is left to do",
            f"ケース {case.number} は「{JA[case.state]}」です。これ以上していただくことはありません",
        )
