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
    stated = situation.answers.about(device)
    parts = situation.identities.get(device.id, {})
    record = None
    if "maker" in parts and "model" in parts:
        record = situation.knowledge.models.of(parts["maker"].value, parts["model"].value)
    answered = {
        "ask_firmware": bool(record and record.latest_firmware),
        "ask_support_end": bool(record and record.until),
        "ask_communications": bool(stated.get("communications")),
    }
    questions = [a.id for a in measures()[MeasureId.MAKER].actions if not answered.get(a.id, False)]
    if questions:
        yield Observation("maker.sheet", {"questions": ", ".join(questions)}, "what is not known yet")
