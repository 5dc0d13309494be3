"""The maker's sheet: what only the maker knows about this device, as questions with what is known already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.outcomes import Observation
from sekisho.measures.model import MeasureId, measures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """No packet."""
    return ()


def fold(device: Device, _: Seen, situation: Situation) -> Iterator[Observation]:
    """The questions that nothing else answered."""
    stated, record = situation.answers.about(device), situation.record_of(device)
    answered = {
        "ask_firmware": bool(record and record.latest_firmware),
        "ask_support_end": bool(record and record.until),
        "ask_communications": bool(stated.get("communications")) or situation.profile_of(device) is not None,
        "ask_settings": bool(stated.get("reply", {}).get("settings", False)),
    }
    questions = [a.id for a in measures()[MeasureId.MAKER].actions if not answered.get(a.id, False)]
    if questions:
        evidence = {"count": str(len(questions)), "questions": ", ".join(questions)}
        yield Observation("maker.sheet", evidence, "what is not known yet")
