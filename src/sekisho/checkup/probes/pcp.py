"""PCP ANNOUNCE (RFC 6887, section 14.1): the age of the router's mapping table. It asks for no mapping."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.consent import CheckClass
from sekisho.checkup.jobs import Job, NoAnswer, Status

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from sekisho.checkup.gate import Gate

_VERSION, _ANNOUNCE, _IS_RESPONSE, _SUCCESS = 2, 0, 0x80, 0
_RESPONSE = struct.Struct("!BBBBII")


@dataclass(frozen=True, slots=True)
class PcpAnswer:
    """Epoch time (RFC 6887, section 8.5)."""

    epoch_s: int


def announce(client: IPv4Address) -> bytes:
    """A request header without opcode data: lifetime 0, and our own address, which the server compares."""
    return struct.pack("!BBHI", _VERSION, _ANNOUNCE, 0, 0) + bytes(10) + b"\xff\xff" + client.packed


def decode(octets: bytes) -> PcpAnswer:
    """The answer to an announcement.

    Raises:
        NoAnswer: another message (a NAT-PMP router answers with version 0), or a refusal.
    """
    if len(octets) < 24:
        raise NoAnswer(Status.GARBLED, "no PCP answer")
    version, opcode, _, result, _, epoch_s = _RESPONSE.unpack_from(octets)
    if (version, opcode, result) != (_VERSION, _IS_RESPONSE | _ANNOUNCE, _SUCCESS):
        raise NoAnswer(Status.GARBLED, "no PCP answer")
    return PcpAnswer(epoch_s)


async def run(job: Job, gate: Gate) -> PcpAnswer:
    """One announcement, to the router alone."""
    question = announce(gate.scope.network.address)
    return decode(await gate.ask(job.address, job.port, question, check_class=CheckClass.ROUTER))
