"""NAT-PMP (RFC 6886, section 3.2): the external address and the seconds since the router's tables were reset."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.consent import CheckClass
from sekisho.checkup.jobs import Job, NoAnswer, Status

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate

PORT = 5351
EXTERNAL_ADDRESS_REQUEST = b"\x00\x00"
_RESPONSE = struct.Struct("!BBHI4s")


@dataclass(frozen=True, slots=True)
class NatPmpAnswer:
    """Seconds since start of epoch, and the external address ("" where the result code is not 0)."""

    epoch_s: int
    external_address: str


def decode(octets: bytes) -> NatPmpAnswer:
    """The answer to an external address request.

    Raises:
        NoAnswer: another message.
    """
    if len(octets) < 8 or octets[0] != 0 or octets[1] != 128:
        raise NoAnswer(Status.GARBLED, "no NAT-PMP answer")
    _, _, result, epoch_s, address = _RESPONSE.unpack(octets[:12].ljust(12, b"\0"))
    return NatPmpAnswer(epoch_s, str(ipaddress.IPv4Address(address)) if result == 0 else "")


async def run(job: Job, gate: Gate) -> NatPmpAnswer:
    """One external address request."""
    return decode(await gate.ask(job.address, job.port, EXTERNAL_ADDRESS_REQUEST, check_class=CheckClass.ROUTER))
