"""SSH up to the host key (RFC 4253, RFC 8731): one key exchange, then goodbye; no login is begun.

The key identifies a device over address changes. The server's signature is not checked: a device that lies about its
own key only makes itself a different device.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.jobs import Job, NoAnswer, Status
from sekisho.checkup.probes.text import printable

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate, Stream

_KEXINIT, _ECDH_INIT, _ECDH_REPLY = 20, 30, 31
_PACKET_LIMIT = 35_000
_NAME_LISTS = (
    b"curve25519-sha256,curve25519-sha256@libssh.org",
    b"ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256,ssh-rsa",
    *(b"aes128-ctr,aes256-ctr,aes128-cbc",) * 2,
    *(b"hmac-sha2-256,hmac-sha1",) * 2,
    *(b"none",) * 2,
    *(b"",) * 2,
)


@dataclass(frozen=True, slots=True)
class SshAnswer:
    """Identification string and SHA-256 of the host key, hexadecimal ("" where the exchange did not get that far)."""

    banner: str
    key_fingerprint: str


def packet(payload: bytes) -> bytes:
    """A binary packet before encryption (RFC 4253, section 6): padded to a multiple of 8."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack("!IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def kexinit(cookie: bytes) -> bytes:
    """KEXINIT that offers what old and new servers both have."""
    lists = b"".join(struct.pack("!I", len(names)) + names for names in _NAME_LISTS)
    return bytes([_KEXINIT]) + cookie + lists + bytes(5)


def host_key_of(reply: bytes) -> bytes:
    """The host key of an ECDH reply.

    Raises:
        NoAnswer: another message, or a length that does not fit.
    """
    if len(reply) < 5 or reply[0] != _ECDH_REPLY:
        raise NoAnswer(Status.GARBLED, "no key exchange reply")
    (length,) = struct.unpack_from("!I", reply, 1)
    if not 0 < length <= len(reply) - 5:
        raise NoAnswer(Status.GARBLED, "host key length")
    return reply[5 : 5 + length]


async def run(job: Job, gate: Gate) -> SshAnswer:
    """Identification, KEXINIT both ways, one ECDH exchange."""
    async with gate.connect(job.address, job.port) as stream:
        stream.write(b"SSH-2.0-sekisho\r\n")
        banner = await _identification(stream)
        try:
            key = await _host_key(stream)
        except NoAnswer:
            return SshAnswer(banner, "")
        return SshAnswer(banner, hashlib.sha256(key).hexdigest())


async def _host_key(stream: Stream) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    stream.write(packet(kexinit(os.urandom(16))))
    await _packet(stream)
    public = X25519PrivateKey.generate().public_key().public_bytes_raw()
    stream.write(packet(bytes([_ECDH_INIT]) + struct.pack("!I", len(public)) + public))
    return host_key_of(await _packet(stream))


async def _identification(stream: Stream) -> str:
    """The line that begins with ``SSH-``; lines before it are allowed (RFC 4253, section 4.2)."""
    for _ in range(20):
        line = b""
        while not line.endswith(b"\n") and len(line) < 256:
            line += await stream.read_exactly(1)
        if line.startswith(b"SSH-"):
            return printable(line)
    raise NoAnswer(Status.GARBLED, "no identification")


async def _packet(stream: Stream) -> bytes:
    length, padding = struct.unpack("!IB", await stream.read_exactly(5))
    if not padding < length <= _PACKET_LIMIT:
        raise NoAnswer(Status.GARBLED, "packet length")
    return (await stream.read_exactly(length - 1))[: length - 1 - padding]
