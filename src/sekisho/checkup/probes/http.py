"""HTTP GET without credentials, tolerant: the web servers of small devices often miss the letter of RFC 9112."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sekisho.checkup.jobs import Job, NoAnswer, Status
from sekisho.checkup.probes.tls import TLS_PORTS, TlsPeer, any_peer, peer_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.checkup.gate import Gate, Stream

_STATUS_LINE = re.compile(rb"^(?:HTTP|RTSP)/\d(?:\.\d)? +(\d{3})")
_HEADER_LIMIT = 100
_PATH = re.compile(r"/[!-~]{0,500}")
_CONTENT_LENGTH = re.compile(rb"^content-length: *(\d{1,9}) *$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, headers (lower-case names, first of each) and as much of the body as the limits let through."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    tls: TlsPeer | None = None

    @property
    def text(self) -> str:
        """The body as text, in the encoding that it most likely has; Japanese devices still send Shift_JIS."""
        for encoding in ("utf-8", "cp932"):
            try:
                return self.body.decode(encoding)
            except UnicodeDecodeError:
                continue
        return self.body.decode("utf-8", "replace")

    @property
    def title(self) -> str:
        """The page's title, "" without one."""
        found = re.search(r"<title[^>]{0,100}>([^<]{0,200})", self.text, re.IGNORECASE)
        return " ".join(found[1].split()) if found else ""


def decode(octets: bytes) -> HttpAnswer:
    """An answer from octets (also RTSP, whose answers have the same shape).

    Raises:
        NoAnswer: it does not begin with a status line.
    """
    status = _STATUS_LINE.match(octets)
    if status is None:
        raise NoAnswer(Status.GARBLED, "no status line")
    head, _, body = octets.partition(b"\r\n\r\n") if b"\r\n\r\n" in octets else octets.partition(b"\n\n")
    headers = _headers(head.splitlines()[1:])
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _dechunk(body)
    return HttpAnswer(int(status[1]), headers, body)


def local_path(location: str, address: str) -> tuple[int, str] | None:
    """Port and path of a URL if it leads to the same address by HTTP; None where it leads elsewhere or is none."""
    try:
        url = urlsplit(location)
        port = url.port or (443 if url.scheme == "https" else 80)
    except ValueError:
        return None
    path = url.path + (f"?{url.query}" if url.query else "") or "/"
    if url.scheme not in ("http", "https") or url.hostname != address or not _PATH.fullmatch(path):
        return None
    return port, path


def host(job: Job) -> str:
    """Address and port as the Host header has them."""
    return f"[{job.address}]:{job.port}" if ":" in job.address else f"{job.address}:{job.port}"


async def run(job: Job, gate: Gate) -> HttpAnswer:
    """GET of ``job.argument``; redirects are answers like any other and are not followed here."""
    tls = any_peer() if job.port in TLS_PORTS else None
    async with gate.connect(job.address, job.port, tls=tls) as stream:
        stream.write(_request(job))
        answer = decode(await read_answer(stream))
        return HttpAnswer(answer.status, answer.headers, answer.body, peer_of(stream.ssl_object))


async def read_answer(stream: Stream) -> bytes:
    """One answer: until its Content-Length is there or the device closes, within the limits."""
    return await stream.read_until(_complete)


def _complete(got: bytes) -> bool:
    head, blank, body = got.partition(b"\r\n\r\n")
    length = _CONTENT_LENGTH.search(head.replace(b"\r\n", b"\n")) if blank else None
    return length is not None and len(body) >= int(length[1])


def _request(job: Job) -> bytes:
    path = job.argument or "/"
    if not _PATH.fullmatch(path):
        raise NoAnswer(Status.REFUSED, "no path that a request can carry")
    return f"GET {path} HTTP/1.1\r\nHost: {host(job)}\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode()


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines[:_HEADER_LIMIT]:
        name, colon, value = line.partition(b":")
        if colon:
            headers.setdefault(name.strip().lower().decode("latin-1"), value.strip().decode("utf-8", "replace"))
    return headers


def _dechunk(body: bytes) -> bytes:
    """The chunks that are whole, and what came of the last one (RFC 9112, section 7.1)."""
    whole = b""
    while body:
        size, newline, rest = body.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            break
        if not newline or length <= 0:
            break
        whole, body = whole + rest[:length], rest[length + 2 :]
    return whole
