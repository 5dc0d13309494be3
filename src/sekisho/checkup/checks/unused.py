"""c2.6: devices that nobody uses any more; only their owner knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.outcomes import Observation
from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """No packet: only the owner knows."""
    return ()


def fold(device: Device, _: Seen, situation: Situation) -> Iterator[Observation]:
    """As answered."""
    in_use = situation.answers.about(device).get("in_use")
    outcome = {True: "c2.6.in_use", False: "c2.6.unused", None: "c2.6.ask"}[in_use]
    first_seen = iso(situation.first_seen.get(device.id, situation.now_ms))[:10]
    source = "nobody was asked yet" if in_use is None else "stated by the owner"
    yield Observation(outcome, {"first_seen": first_seen, "last_seen": iso(situation.now_ms)[:10]}, source)
