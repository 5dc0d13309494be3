"""RTSP (RFC 2326): does the camera describe its stream to anybody. Never SETUP or PLAY: no picture is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.probes.http import decode, read_answer
from sekisho.checkup.probes.text import printable

if TYPE_CHECKING:
    from sekisho.checkup.gate import Gate
    from sekisho.checkup.jobs import Job


@dataclass(frozen=True, slots=True)
class RtspAnswer:
    """Statuses of OPTIONS and DESCRIBE (0 where the device closed before it), and what it calls itself."""

    options: int
    describe: int
    server: str
    realm: str


async def run(job: Job, gate: Gate) -> RtspAnswer:
    """OPTIONS and DESCRIBE on one connection."""
    url = f"rtsp://{job.address}:{job.port}/{job.argument.lstrip('/')}"
    async with gate.connect(job.address, job.port) as stream:
        stream.write(f"OPTIONS {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        options = decode(await stream.read_until(lambda got: b"\r\n\r\n" in got))
        stream.write(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n\r\n".encode())
        octets = await read_answer(stream)
    describe = decode(octets) if octets else options
    return RtspAnswer(
        options.status,
        describe.status if octets else 0,
        printable(options.headers.get("server", describe.headers.get("server", ""))),
        printable(describe.headers.get("www-authenticate", "")),
    )
