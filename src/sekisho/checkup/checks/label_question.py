"""c1.4: is the password still the one printed on the unit; only its owner can answer that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.outcomes import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """No packet: only the owner knows."""
    return ()


def fold(device: Device, _: Seen, situation: Situation) -> Iterator[Observation]:
    """As answered; a password that several devices share counts as unchanged."""
    stated = situation.answers.about(device)
    if "password_changed" not in stated:
        yield Observation("c1.4.ask", {}, "nobody was asked yet")
    elif stated["password_changed"] and not stated.get("password_shared", False):
        yield Observation("c1.4.changed", {}, "stated by the owner")
    else:
        yield Observation("c1.4.unchanged", {}, "stated by the owner")
