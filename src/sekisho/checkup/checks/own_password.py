"""c1.5: how strong the owner's own password is, as ``strength.py`` scored it on this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.outcomes import Observation
from sekisho.checkup.strength import STRONG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """No packet: only the owner knows."""
    return ()


def fold(device: Device, _: Seen, situation: Situation) -> Iterator[Observation]:
    """Nothing where no password was scored."""
    score = situation.answers.about(device).get("password_score")
    if score is not None:
        outcome = "c1.5.strong" if score >= STRONG else "c1.5.weak"
        yield Observation(outcome, {"score": str(score)}, "scored on this computer")
