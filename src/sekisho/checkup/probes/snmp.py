"""SNMPv3 engine discovery (RFC 3414, section 4): the report names engine, boots and time; no user, no community."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.jobs import Job, NoAnswer, Status
from sekisho.checkup.probes.ber import OCTETS, SEQUENCE, element, items, number

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate

PORT = 161
GET = 0xA0
_MESSAGE_ID = 0x5E15


@dataclass(frozen=True, slots=True)
class SnmpEngine:
    """The engine's own words: its id (hexadecimal), how often it started, seconds since the last start."""

    engine_id: str
    boots: int
    time_s: int


def discovery() -> bytes:
    """A GET without variables from an unknown user, which a v3 engine answers with a report."""
    header = element(SEQUENCE, number(_MESSAGE_ID) + number(65_507) + element(OCTETS, b"\x04") + number(3))
    security = element(SEQUENCE, element(OCTETS, b"") + number(0) * 2 + element(OCTETS, b"") * 3)
    get = element(GET, number(_MESSAGE_ID) + number(0) * 2 + element(SEQUENCE, b""))
    scoped = element(SEQUENCE, element(OCTETS, b"") * 2 + get)
    return element(SEQUENCE, number(3) + header + element(OCTETS, security) + scoped)


def decode(octets: bytes) -> SnmpEngine:
    """Engine id, boots and time of a report.

    Raises:
        NoAnswer: not a v3 message.
    """
    try:
        message = list(items(next(items(octets))[1]))
        security = list(items(next(items(message[2][1]))[1]))
        engine_id, boots, time_s = (value for _, value in security[:3])
    except (StopIteration, IndexError, ValueError) as error:
        raise NoAnswer(Status.GARBLED, "no SNMPv3 report") from error
    return SnmpEngine(engine_id.hex(), int.from_bytes(boots, "big"), int.from_bytes(time_s, "big"))


async def run(job: Job, gate: Gate) -> SnmpEngine:
    """Discovery, one question and one report."""
    return decode(await gate.ask(job.address, job.port, discovery()))
