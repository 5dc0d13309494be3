"""What can be asked of a device, one file per protocol: codec, typed answer, and the exchange itself.

Every exchange is a read that a normal client of the protocol makes. ``PROBES`` is the whole list: the dry run prints
it, and a probe that is not here cannot be a job.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """Module of a probe, and what it sends in words that the dry run prints."""

    module: str
    sends: str


PROBES = {
    "tcp": ProbeRow("tcp", "TCP connect; reads a greeting where the protocol greets first; writes nothing"),
    "http": ProbeRow("http", "HTTP GET of one page without credentials, in TLS where the port has TLS"),
    "icon": ProbeRow("icon", "HTTP GET of a page's icon (/favicon.ico) without credentials"),
    "rtsp": ProbeRow("rtsp", "RTSP OPTIONS and DESCRIBE without credentials; no SETUP, no PLAY, no picture"),
    "mqtt": ProbeRow("mqtt", "MQTT CONNECT without user, then DISCONNECT; no SUBSCRIBE"),
    "telnet": ProbeRow("telnet", "telnet option refusals only; reads the prompt"),
    "ssh": ProbeRow("ssh", "SSH key exchange up to the host key; no login"),
    "ssdp": ProbeRow("ssdp", "SSDP M-SEARCH to one device"),
    "wsd": ProbeRow("wsd", "WS-Discovery Probe to one device"),
    "mdns": ProbeRow("mdns", "mDNS question for the services of one device"),
    "snmp": ProbeRow("snmp", "SNMPv3 engine discovery; no community, no user"),
    "snmp_read": ProbeRow("snmp_read", "only with a community that you give: SNMPv2c GET of sysDescr and sysUpTime"),
    "natpmp": ProbeRow("natpmp", "NAT-PMP question for the external address; no mapping"),
    "pcp": ProbeRow("pcp", "PCP announcement, which a router answers with its clock; no mapping"),
    "soap": ProbeRow("soap", "one of the read-only UPnP IGD or ONVIF actions that soap.READ_ONLY lists"),
    "owned": ProbeRow("owned", "only with a login that you give, in TLS: TR-064 GetInfo, ONVIF GetUsers"),
}


def probe(name: str) -> Probe:
    """The exchange of one row.

    Raises:
        KeyError: no such row.
    """
    run: Probe = import_module(f"{__package__}.{PROBES[name].module}").run
    return run
