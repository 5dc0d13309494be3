"""What c2.2 to c2.4 read of a router: its UPnP services (IGD 1 and 2) and their read-only actions.

With the owner's login also TR-064: the router says on which port it speaks TLS, and there what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.identify.facts import description
from sekisho.checkup.probes.http import HttpAnswer, local_path
from sekisho.checkup.probes.owned import OwnedAnswer, owned_job
from sekisho.checkup.probes.soap import SoapAnswer, igd_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.probes.upnp import UpnpService
    from sekisho.checkup.situation import Situation

CONNECTION_SERVICES = ("WANIPConnection", "WANPPPConnection")
FIREWALL_SERVICE = "WANIPv6FirewallControl"
TR064_SERVICE = "DeviceInfo"


def services(device: Device, seen: Seen, *names: str) -> Iterator[tuple[str, UpnpService]]:
    """(address, service) of the named kinds, from every description that the device gave."""
    for job, answer in seen.answers(device.targets, HttpAnswer):
        described = description(job, answer)
        for service in described.services if described else ():
            if any(f":service:{name}:" in service.type for name in names):
                yield job.address, service


def read(address: str, service: UpnpService, action: str, *arguments: tuple[str, str]) -> Iterator[Job]:
    """A read of a service; none where its control URL leads to another address."""
    found = local_path(service.control_url, address)
    if found is not None:
        yield igd_job(address, found[0], found[1], service.type, action, *arguments)


def answers(device: Device, seen: Seen, action: str) -> Iterator[SoapAnswer]:
    """Answers to one action."""
    return (answer for _, answer in seen.answers(device.targets, SoapAnswer) if answer.action == action)


def is_router(device: Device, seen: Seen) -> bool:
    """Whether the device offers an IGD."""
    return any(services(device, seen, *CONNECTION_SERVICES, FIREWALL_SERVICE))


def tr064_jobs(device: Device, seen: Seen, situation: Situation) -> Iterator[Job]:
    """GetSecurityPort without a login, then GetInfo in TLS on that port with the owner's."""
    for address, service in services(device, seen, TR064_SERVICE):
        found = local_path(service.control_url, address)
        if address not in situation.login_at or found is None:
            continue
        yield from read(address, service, "GetSecurityPort")
        for answer in answers(device, seen, "GetSecurityPort"):
            port = answer.fields.get("NewSecurityPort", "")
            if port.isdecimal() and 0 < int(port) <= 0xFFFF:
                yield from owned_jobs(seen, address, int(port), found[1], service.type, "GetInfo")


def owned_jobs(seen: Seen, address: str, port: int, path: str, service: str, action: str) -> Iterator[Job]:
    """A read with the owner's login: the request that is challenged, and the one that answers the challenge."""
    first = owned_job(address, port, path, service, action)
    yield first
    challenged = seen.get(first, OwnedAnswer)
    if challenged is not None and challenged.status == 401 and challenged.challenge:
        yield owned_job(address, port, path, service, action, challenged.challenge)
