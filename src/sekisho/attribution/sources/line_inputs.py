"""Where lines of a log come from: a file that grows, UDP datagrams, TCP connections. None of them ever waits."""

from __future__ import annotations

import socket
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sekisho.attribution.sources.growing import READ_OCTETS, GrowingFile
from sekisho.attribution.sources.syslog import MAX_MESSAGE_OCTETS
from sekisho.core.address import parse_address
from sekisho.core.errors import InputError
from sekisho.core.reasons import SourceReason

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from sekisho.core.address import IPAddress

POLL_OCTETS = 1 << 20
"""Taken of a connection at once; the caller comes back while there is more."""
POLL_DATAGRAMS = 4096
MAX_CONNECTIONS = 64
"""Translators that send by TCP are a handful; one connection more is closed and counted."""
_COUNT_DIGITS = 5


class Lines(Protocol):
    """A source of lines.

    Attributes:
        live: what came last was written just now; while an old file is read, its reception tells nothing of a delay.
        position: where reading goes on after a restart; empty where nothing can be read again.
    """

    dropped: Counter[SourceReason]
    live: bool
    position: str

    def poll(self) -> list[bytes]:
        """Whole lines that came since the last call, at most a bounded part of them."""

    def close(self) -> None:
        """Give files and sockets back."""


@dataclass(slots=True, kw_only=True)
class FileLines:
    """A file that is appended to, and now and then renamed (rotation) or cut (copytruncate).

    Raises:
        InputError: at the first poll, where there is no such file.
    """

    path: Path
    position: str = ""
    live: bool = False
    dropped: Counter[SourceReason] = field(default_factory=Counter)
    _file: GrowingFile | None = None
    _skipping: bool = False
    _at_end: bool = False

    def poll(self) -> list[bytes]:
        """The next lines; an unfinished last one waits for its end."""
        file = self._file or self._begin()
        cut = file.cut
        content = file.read()
        if file.cut > cut:
            self.dropped[SourceReason.FILE_GONE] += file.cut - cut
        # What was there before we looked may have been there for long.
        self.live, self._at_end = self._at_end, self._at_end or len(content) < READ_OCTETS
        lines = self._lines(file, content)
        self.position = file.position
        return lines

    def close(self) -> None:
        """Nothing is open between two polls; the position stays."""

    def _begin(self) -> GrowingFile:
        if not self.path.is_file():
            raise InputError(self.path, "expected a log that can be read, found no such file")
        self._file = GrowingFile(self.path)
        self._file.position = self.position
        return self._file

    def _lines(self, file: GrowingFile, content: bytes) -> list[bytes]:
        end = content.rfind(b"\n") + 1
        if end == 0 and len(content) > MAX_MESSAGE_OCTETS:
            # No message is that long: what belongs to it is passed over, up to its end.
            self._skipping = True
            return []
        file.give_back(len(content) - end)
        lines = content[:end].split(b"\n")[:-1]
        if self._skipping and lines:
            self._skipping = False
            self.dropped[SourceReason.TOO_LONG] += 1
            del lines[0]
        return lines


@dataclass(slots=True, kw_only=True)
class UdpLines:
    """Syslog by UDP (RFC 5426): a message a datagram, from the configured translators alone.

    Raises:
        OSError: the address cannot be bound.
    """

    address: str
    port: int
    senders: Collection[IPAddress]
    live: bool = True
    position: str = ""
    dropped: Counter[SourceReason] = field(default_factory=Counter)
    _socket: socket.socket | None = None

    def start(self) -> int:
        """Bind; returns the port."""
        self._socket = _bound(self.address, self.port, socket.SOCK_DGRAM)
        return int(self._socket.getsockname()[1])

    def poll(self) -> list[bytes]:
        """Datagrams that wait."""
        assert self._socket is not None, "start() comes first"
        lines: list[bytes] = []
        for _ in range(POLL_DATAGRAMS):
            try:
                message, sender = self._socket.recvfrom(MAX_MESSAGE_OCTETS + 1)
            except BlockingIOError:
                break
            if parse_address(sender[0]) in self.senders:
                lines.append(message)
            else:
                self.dropped[SourceReason.UNKNOWN_SENDER] += 1
        return lines

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()


@dataclass(slots=True, kw_only=True)
class TcpLines:
    """Syslog by TCP (RFC 6587): messages counted by their octets, or one a line.

    Raises:
        OSError: the address cannot be bound.
    """

    address: str
    port: int
    senders: Collection[IPAddress]
    live: bool = True
    position: str = ""
    dropped: Counter[SourceReason] = field(default_factory=Counter)
    _socket: socket.socket | None = None
    _streams: dict[socket.socket, bytearray] = field(default_factory=dict)

    def start(self) -> int:
        """Listen; returns the port."""
        self._socket = _bound(self.address, self.port, socket.SOCK_STREAM)
        self._socket.listen(MAX_CONNECTIONS)
        return int(self._socket.getsockname()[1])

    def poll(self) -> list[bytes]:
        """Messages that are whole."""
        self._accept()
        lines: list[bytes] = []
        for connection in list(self._streams):
            lines += self._receive(connection)
        return lines

    def close(self) -> None:
        """Close every connection."""
        for connection in self._streams:
            connection.close()
        self._streams.clear()
        if self._socket is not None:
            self._socket.close()

    def _accept(self) -> None:
        assert self._socket is not None, "start() comes first"
        while True:
            try:
                connection, sender = self._socket.accept()
            except BlockingIOError:
                return
            if parse_address(sender[0]) not in self.senders or len(self._streams) >= MAX_CONNECTIONS:
                self.dropped[SourceReason.UNKNOWN_SENDER] += 1
                connection.close()
                continue
            connection.setblocking(False)
            self._streams[connection] = bytearray()

    def _receive(self, connection: socket.socket) -> list[bytes]:
        stream = self._streams[connection]
        ended = False
        try:
            content = connection.recv(POLL_OCTETS)
            ended = not content
            stream += content
        except BlockingIOError:
            return []
        except OSError:
            ended = True
        lines = _frames(stream)
        if len(stream) > MAX_MESSAGE_OCTETS:
            # Nobody knows any more where the next message starts.
            self.dropped[SourceReason.TOO_LONG] += 1
            ended = True
        elif ended and stream:
            self.dropped[SourceReason.MALFORMED] += 1
        if ended:
            connection.close()
            del self._streams[connection]
        return lines


def _frames(stream: bytearray) -> list[bytes]:
    """Take the whole messages off a stream: ``LENGTH SP message`` (RFC 6587, 3.4.1), else up to a line feed (3.4.2)."""
    frames: list[bytes] = []
    while stream:
        head = bytes(stream[: _COUNT_DIGITS + 1]).partition(b" ")
        if head[0].isdigit() and head[1]:
            start = len(head[0]) + 1
            end = after = start + int(head[0])
        else:
            start, end = 0, stream.find(b"\n")
            after = end + 1
        if end < 0 or end > len(stream):
            break
        frames.append(bytes(stream[start:end]))
        del stream[:after]
    return frames


def _bound(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, kind)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setblocking(False)
    try:
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound
