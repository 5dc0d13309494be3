"""mDNS and DNS-SD (RFC 6762, RFC 6763): names, services and TXT facts that devices announce.

Questions leave from an ephemeral port, which RFC 6762 section 6.7 answers by unicast ("legacy"). The message codec is
zeroconf's; its sockets and timers are not used, because every packet of ours leaves through the gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.consent import CheckClass
from sekisho.checkup.jobs import Job, NoAnswer, Status
from sekisho.checkup.probes.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.checkup.gate import Gate

GROUP, PORT = "224.0.0.251", 5353
SERVICES = "_services._dns-sd._udp.local."
_PTR, _CLASS_IN, _QUERY = 12, 1, 0
_RECORDS = 256


@dataclass(frozen=True, slots=True)
class MdnsAnswer:
    """What one message says: (name, target) pointers, TXT facts, host names."""

    pointers: tuple[tuple[str, str], ...]
    facts: Mapping[str, str]
    hosts: tuple[str, ...]

    @property
    def service_types(self) -> tuple[str, ...]:
        """Types of the services meta-question."""
        return tuple(target for name, target in self.pointers if name.lower() == SERVICES)


def question(*names: str) -> bytes:
    """PTR questions for the names."""
    from zeroconf import DNSOutgoing, DNSQuestion  # type: ignore[attr-defined]  # exported without __all__

    message = DNSOutgoing(_QUERY, True)
    for name in names:
        message.add_question(DNSQuestion(name, _PTR, _CLASS_IN))
    return message.packets()[0]


def decode(octets: bytes) -> MdnsAnswer:
    """The records of one message.

    Raises:
        NoAnswer: not a DNS message.
    """
    from zeroconf import DNSIncoming, DNSPointer, DNSService, DNSText  # type: ignore[attr-defined]

    message = DNSIncoming(octets)
    if not message.valid:
        raise NoAnswer(Status.GARBLED, "no DNS message")
    records = message.answers()[:_RECORDS]
    facts: dict[str, str] = {}
    for record in records:
        if isinstance(record, DNSText):
            facts |= text_facts(record.text)
    return MdnsAnswer(
        pointers=tuple((r.name, printable(r.alias)) for r in records if isinstance(r, DNSPointer)),
        facts=facts,
        hosts=tuple(dict.fromkeys(printable(r.server) for r in records if isinstance(r, DNSService))),
    )


def text_facts(octets: bytes) -> dict[str, str]:
    """Key-value pairs of a TXT record (RFC 6763, section 6): length-prefixed strings."""
    facts: dict[str, str] = {}
    at = 0
    while at < len(octets):
        length = octets[at]
        key, equals, value = octets[at + 1 : at + 1 + length].partition(b"=")
        if equals and key:
            facts.setdefault(printable(key, 40).lower(), printable(value))
        at += 1 + length
    return facts


async def run(job: Job, gate: Gate) -> MdnsAnswer:
    """The services question, sent to one device."""
    names = job.argument.split() or [SERVICES]
    return decode(await gate.ask(job.address, job.port, question(*names), check_class=CheckClass.DISCOVER))
