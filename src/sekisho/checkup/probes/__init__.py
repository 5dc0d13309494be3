"""What can be asked of a device, one file per protocol: codec, typed answer, and the exchange itself.

Every exchange is a read that a normal client of the protocol makes. ``PROBES`` is the whole list: the dry run prints
what each sends, and a probe that is not here cannot be a job.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate
    from sekisho.checkup.jobs import Job


class Probe(Protocol):
    """One exchange.

    Raises:
        NoAnswer: the device does not speak the protocol, or not in time.
        OutOfScope: the scope refuses; nothing was sent.
    """

    async def __call__(self, job: Job, gate: Gate) -> object:
        """Ask and return the probe's own answer type."""


PROBES = {
    "tcp": "tcp",
    "http": "http",
    "icon": "icon",
    "rtsp": "rtsp",
    "mqtt": "mqtt",
    "telnet": "telnet",
    "ssh": "ssh",
    "ssdp": "ssdp",
    "wsd": "wsd",
    "mdns": "mdns",
    "snmp": "snmp",
    "snmp_read": "snmp_read",
    "natpmp": "natpmp",
    "pcp": "pcp",
    "soap": "soap",
    "owned": "owned",
}
"""Name in a job -> module. What each sends stands in ``texts/packets.toml``."""


def probe(name: str) -> Probe:
    """The exchange of one row.

    Raises:
        KeyError: no such row.
    """
    run: Probe = import_module(f"{__package__}.{PROBES[name]}").run
    return run
