"""c1.7: who has a user on the device; the list stands on the settings page, behind the owner's login.

With a login that the owner gave, ONVIF cameras tell it (GetUsers). It is sent in TLS alone: a camera without TLS is
asked nothing, and the question stays with the owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sekisho.checkup.checks.igd import owned_jobs
from sekisho.checkup.outcomes import Observation
from sekisho.checkup.probes.http import local_path
from sekisho.checkup.probes.owned import OwnedAnswer
from sekisho.checkup.probes.soap import ONVIF_DEVICE
from sekisho.checkup.probes.tcp import Open
from sekisho.checkup.probes.text import printable
from sekisho.measures.order import DeviceKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation

_HAVE_USERS = frozenset({DeviceKind.ROUTER, DeviceKind.CAMERA, DeviceKind.RECORDER, DeviceKind.NAS})
_HTTPS = 443


def jobs(device: Device, seen: Seen, situation: Situation) -> Iterator[Job]:
    """GetUsers, where the owner gave a login and the camera speaks TLS."""
    for address in device.targets:
        place = _in_tls(device, seen, address) if address in situation.login_at else None
        if place is not None:
            yield from owned_jobs(seen, address, *place, ONVIF_DEVICE, "GetUsers")


def fold(device: Device, seen: Seen, situation: Situation) -> Iterator[Observation]:
    """The list as the device told it, else as its owner stated it, else the question for devices that have users."""
    told = [answer for _, answer in seen.answers(device.targets, OwnedAnswer) if answer.users]
    stated = situation.answers.about(device).get("users")
    if told:
        users = ", ".join(f"{name} ({level})" for name, level in told[0].users)
        yield Observation("c1.7.users", {"users": users}, "onvif, the owner's login")
    elif stated is not None:
        users = ", ".join(printable(str(user), 40) for user in stated)
        yield Observation("c1.7.users_stated", {"users": users}, "stated by the owner")
    elif situation.kind(device) in _HAVE_USERS:
        yield Observation("c1.7.ask", {}, "nobody was asked yet")


def _in_tls(device: Device, seen: Seen, address: str) -> tuple[int, str] | None:
    """Port and path of the ONVIF service in TLS: as announced, else the same path on the open HTTPS port."""
    urls = [fact.value for fact in device.facts if (fact.source, fact.name) == ("wsd", "x_addr")]
    places = [(urlsplit(url).scheme, place) for url in urls if (place := local_path(url, address))]
    for scheme, place in places:
        if scheme == "https":
            return place
    https_is_open = any(job.port == _HTTPS for job, _ in seen.answers([address], Open))
    return (_HTTPS, places[0][1][1]) if places and https_is_open else None
