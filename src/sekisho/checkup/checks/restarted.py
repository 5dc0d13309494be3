"""c5: was the device restarted, and what shows it; the proof itself is made by `sekisho checkup restart`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.outcomes import Observation
from sekisho.checkup.restart import Strength

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """No packet: the restart assistant asks by itself."""
    return ()


def fold(device: Device, _: Seen, situation: Situation) -> Iterator[Observation]:
    """Nothing where no restart was asked for; one weak signal alone proves nothing."""
    proof = situation.restarts.get(device.id)
    if proof is None:
        return
    if proof.strength in (Strength.STRONG, Strength.MEDIUM):
        evidence = {"count": str(len(proof.signals)), "signals": ", ".join(s.signal for s in proof.signals)}
        yield Observation("c5.proven", evidence, "restart assistant")
    elif situation.answers.about(device).get("restarted", False):
        yield Observation("c5.stated", {}, "stated by the owner")
    else:
        yield Observation("c5.not_proven", {}, "restart assistant")
