"""Copies of accounting requests on a UDP port; a server is answered once its record is on the disk.

The listener gets a *copy* (FreeRADIUS ``replicate`` or a second accounting server): it is no proxy, and while it is
silent nobody's session waits for it.
"""

from __future__ import annotations

import socket
from collections import Counter
from ipaddress import ip_address
from typing import TYPE_CHECKING

from sekisho.attribution.sources.radius.packet import attributes, decode
from sekisho.attribution.sources.radius.records import Rules, event_of
from sekisho.core.errors import InputError
from sekisho.core.reasons import SourceReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.attribution.sources.events import Event
    from sekisho.core.address import IPAddress

MAX_DATAGRAM_OCTETS = 4096
"""RFC 2866, section 3: the maximum length of a packet."""

AT_ONCE = 2048
"""Datagrams of one poll, hence of one transaction and its answers."""

RECEIVE_OCTETS = 8 << 20
"""Asked of the system for what arrives during a transaction."""


class Listener:
    """A ``Source`` of one socket; ``start()`` opens it.

    Args:
        secrets: shared secret of each client by its address.
    """

    def __init__(
        self,
        *,
        name: str,
        address: IPAddress,
        port: int,
        secrets: Mapping[IPAddress, bytes],
        rules: Rules | None = None,
    ) -> None:
        self.name = name
        self.dropped: Counter[SourceReason] = Counter()
        self.position = ""
        self._at = (str(address), port)
        self._secrets = dict(secrets)
        self._rules = rules or Rules()
        self._socket = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_DGRAM)
        self._answers: list[tuple[bytes, tuple[str, int]]] = []

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Open the port.

        Raises:
            InputError: it cannot be had.
        """
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_OCTETS)
        self._socket.setblocking(False)
        try:
            self._socket.bind(self._at)
        except OSError as error:
            raise InputError(
                self.name, f"expected the UDP port {self._at} to be free, found: {error.strerror}"
            ) from error

    def close(self) -> None:
        """Close the port; what was not committed is not answered, and its sender tries again."""
        self._socket.close()

    def poll(self, now_ms: int) -> list[Event]:
        """What has arrived."""
        events: list[Event] = []
        for _ in range(AT_ONCE):
            try:
                datagram, sender = self._socket.recvfrom(MAX_DATAGRAM_OCTETS + 1)
            except BlockingIOError:
                break
            event = self._event(datagram, sender, now_ms)
            if isinstance(event, SourceReason):
                self.dropped[event] += 1
            else:
                events.append(event)
        return events

    def committed(self) -> None:
        """Answer what was polled; an answer that does not get through is asked for again."""
        answers, self._answers = self._answers, []
        for answer, sender in answers:
            try:
                self._socket.sendto(answer, sender)
            except OSError:
                continue

    def _event(self, datagram: bytes, sender: tuple[str, int], now_ms: int) -> Event | SourceReason:
        secret = self._secrets.get(ip_address(sender[0].partition("%")[0]))
        if secret is None:
            return SourceReason.UNKNOWN_SENDER
        if len(datagram) > MAX_DATAGRAM_OCTETS:
            return SourceReason.TOO_LONG
        packet = decode(datagram, secret)
        if isinstance(packet, SourceReason):
            return packet
        # What tells nothing is answered too: its sender would send it again for hours.
        self._answers.append((packet.CreateReply().ReplyPacket(), sender))
        record = attributes(packet)
        return SourceReason.MALFORMED if record is None else event_of(record, now_ms, self._rules)
