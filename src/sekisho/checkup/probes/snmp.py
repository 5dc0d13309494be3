"""SNMPv3 engine discovery (RFC 3414, section 4): the report names engine, boots and time; no user, no community."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.jobs import Job, NoAnswer, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.checkup.gate import Gate

PORT = 161
_SEQUENCE, _INTEGER, _OCTETS, _GET = 0x30, 0x02, 0x04, 0xA0


@dataclass(frozen=True, slots=True)
class SnmpEngine:
    """The engine's own words: its id (hexadecimal), how often it started, seconds since the last start."""

    engine_id: str
    boots: int
    time_s: int


def discovery() -> bytes:
    """A GET without variables from an unknown user, which a v3 engine answers with a report."""
    header = _tlv(_SEQUENCE, _number(0x5E15) + _number(65_507) + _tlv(_OCTETS, b"\x04") + _number(3))
    security = _tlv(_SEQUENCE, _tlv(_OCTETS, b"") + _number(0) * 2 + _tlv(_OCTETS, b"") * 3)
    get = _tlv(_GET, _number(0x5E15) + _number(0) * 2 + _tlv(_SEQUENCE, b""))
    scoped = _tlv(_SEQUENCE, _tlv(_OCTETS, b"") * 2 + get)
    return _tlv(_SEQUENCE, _number(3) + header + _tlv(_OCTETS, security) + scoped)


def decode(octets: bytes) -> SnmpEngine:
    """Engine id, boots and time of a report.

    Raises:
        NoAnswer: not a v3 message.
    """
    try:
        message = list(_items(next(_items(octets))[1]))
        security = list(_items(next(_items(message[2][1]))[1]))
        engine_id, boots, time_s = (value for _, value in security[:3])
    except (StopIteration, IndexError, ValueError) as error:
        raise NoAnswer(Status.GARBLED, "no SNMPv3 report") from error
    return SnmpEngine(engine_id.hex(), int.from_bytes(boots, "big"), int.from_bytes(time_s, "big"))


async def run(job: Job, gate: Gate) -> SnmpEngine:
    """Discovery, one question and one report."""
    return decode(await gate.ask(job.address, job.port, discovery()))


def _number(value: int) -> bytes:
    return _tlv(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _tlv(tag: int, value: bytes) -> bytes:
    """One element of BER; nothing that we send is 128 octets or longer."""
    assert len(value) < 128
    return bytes([tag, len(value)]) + value


def _items(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(octets):
        tag, length = octets[at], octets[at + 1]
        at += 2
        if length & 0x80:
            width = length & 0x7F
            length = int.from_bytes(octets[at : at + width], "big")
            at += width
        if at + length > len(octets):
            raise ValueError("length")
        yield tag, octets[at : at + length]
        at += length
