"""SNMPv2c GET of what a device is and since when it runs (RFC 3418), with the community that the owner gave.

It only reads. The community travels in the clear, as version 2c has it; it is the owner's choice to give one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.consent import CheckClass
from sekisho.checkup.jobs import Job, NoAnswer, Status
from sekisho.checkup.probes.ber import NULL, OCTETS, SEQUENCE, element, identifier, items, number
from sekisho.checkup.probes.snmp import GET
from sekisho.checkup.probes.text import printable

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate

_VERSION_2C = 1
_RESPONSE, _TIME_TICKS = 0xA2, 0x43
_REQUEST_ID = 0x5E15
_DESCRIPTION, _UP_TIME = identifier("1.3.6.1.2.1.1.1.0"), identifier("1.3.6.1.2.1.1.3.0")


@dataclass(frozen=True, slots=True)
class SnmpSystem:
    """``sysDescr`` ("" where it is not told), and ``sysUpTime`` in whole seconds (-1 where it is not told)."""

    description: str
    up_s: int


def question(community: str) -> bytes:
    """GET of both."""
    wanted = b"".join(element(SEQUENCE, name + element(NULL, b"")) for name in (_DESCRIPTION, _UP_TIME))
    get = element(GET, number(_REQUEST_ID) + number(0) * 2 + element(SEQUENCE, wanted))
    return element(SEQUENCE, number(_VERSION_2C) + element(OCTETS, community.encode()) + get)


def decode(octets: bytes) -> SnmpSystem:
    """The values of a response to our request.

    Raises:
        NoAnswer: another message, or an error of the agent.
    """
    try:
        _, _, (tag, body) = items(next(items(octets))[1])
        request_id, (_, error), _, (_, rows) = items(body)
        values = dict(_pair(row) for _, row in items(rows))
    except (StopIteration, ValueError) as broken:
        raise NoAnswer(Status.GARBLED, "no SNMPv2c message") from broken
    if tag != _RESPONSE or element(*request_id) != number(_REQUEST_ID) or any(error):
        raise NoAnswer(Status.GARBLED, "no response to our request")
    description, up = values.get(_DESCRIPTION, (0, b"")), values.get(_UP_TIME, (0, b""))
    return SnmpSystem(
        printable(description[1]) if description[0] == OCTETS else "",
        int.from_bytes(up[1][:5], "big") // 100 if up[0] == _TIME_TICKS else -1,
    )


async def run(job: Job, gate: Gate) -> SnmpSystem:
    """One question.

    Raises:
        OutOfScope: the owner gave no community for this address.
    """
    community = gate.logins.community(job.address)
    octets = await gate.ask(job.address, job.port, question(community), check_class=CheckClass.OWNER_LOGIN)
    return decode(octets)


def _pair(row: bytes) -> tuple[bytes, tuple[int, bytes]]:
    name, value = items(row)
    return element(*name), value
