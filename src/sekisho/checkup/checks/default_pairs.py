"""c1.6: documented default pairs, tried only on request and inside the limits of ``credentials/``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.credentials.pairs import Accepted, NotAccepted, Stopped, StopReason
from sekisho.checkup.outcomes import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation


_STOPPED = {
    StopReason.SHOWED_LOCK: "c1.6.showed_lock",
    StopReason.NO_LOGIN_PAGE: "c1.6.no_login_page",
    StopReason.UNKNOWN_LOGIN: "c1.6.unknown_login",
    StopReason.HAD_TRIES: "c1.6.had_tries",
    StopReason.WAS_ACCEPTED: "c1.6.was_accepted",
}


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """Nothing here: tries are no jobs, they have a ledger and a pace of their own."""
    return ()


def fold(device: Device, _: Seen, situation: Situation) -> Iterator[Observation]:
    """Nothing where the owner did not ask for it; "not accepted" is never OK."""
    match situation.pairs.get(device.id):
        case Accepted(pair=pair, source=source):
            yield Observation("c1.6.accepted", {"pair": pair}, source)
        case NotAccepted(pairs=pairs):
            yield Observation("c1.6.not_accepted", {"pair": ", ".join(pairs)}, "http login")
        case Stopped(why=why):
            yield Observation(_STOPPED[why], {}, "http login")
        case None:
            return
