"""MQTT 3.1.1: does the broker accept a client without a user (CONNECT, section 3.1; CONNACK, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.jobs import Job, NoAnswer, Status
from sekisho.checkup.probes.tls import TLS_PORTS, any_peer

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate

_CLIENT_ID = b"sekisho-checkup"
_VARIABLE = b"\x00\x04MQTT\x04\x02\x00\x0a"
_BODY = _VARIABLE + len(_CLIENT_ID).to_bytes(2, "big") + _CLIENT_ID
CONNECT = bytes([0x10, len(_BODY)]) + _BODY
DISCONNECT = b"\xe0\x00"
_CONNACK = 0x20


@dataclass(frozen=True, slots=True)
class MqttAnswer:
    """Return code of CONNACK: 0 accepted, 4 bad user or password, 5 not authorised."""

    return_code: int


async def run(job: Job, gate: Gate) -> MqttAnswer:
    """CONNECT with a clean session and no user, read CONNACK, DISCONNECT."""
    tls = any_peer() if job.port in TLS_PORTS else None
    async with gate.connect(job.address, job.port, tls=tls) as stream:
        stream.write(CONNECT)
        connack = await stream.read_exactly(4)
        if connack[:2] != bytes([_CONNACK, 2]):
            raise NoAnswer(Status.GARBLED, "no CONNACK")
        stream.write(DISCONNECT)
        return MqttAnswer(connack[3])
