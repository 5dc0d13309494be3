"""The one place where packets leave: each asks the scope, waits for its turn, and is bounded in time and size.

Unicast goes out with a hop limit of one: even where a prefix is configured wrongly, no router carries it further.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from collections import Counter
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from sekisho.checkup.consent import CheckClass, OutOfScope, Scope
from sekisho.checkup.jobs import NoAnswer, Status
from sekisho.checkup.limits import NEVER_WRITE_PORTS, Limits
from sekisho.checkup.pace import Pacer
from sekisho.core.address import IPAddress, parse_address

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from sekisho.checkup.credentials.owner import OwnerLogins

_DATAGRAM_OCTETS = 65_507
_CHUNK_OCTETS = 16_384
_ECHO_REQUEST = 8


class Stream:
    """One connection: reads are bounded by octets and by the connection's whole life."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, port: int, octets: int, deadline_s: float
    ) -> None:
        self._reader, self._writer = reader, writer
        self._port, self._left, self._deadline_s = port, octets, deadline_s

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """The TLS session, None on a plain connection."""
        session: ssl.SSLObject | None = self._writer.get_extra_info("ssl_object")
        return session

    def write(self, octets: bytes) -> None:
        """Send octets.

        Raises:
            OutOfScope: the port belongs to printers that print whatever they receive.
        """
        if self._port in NEVER_WRITE_PORTS:
            raise OutOfScope(f"nothing is written to port {self._port}")
        self._writer.write(octets)

    async def read_until(self, enough: Callable[[bytes], bool]) -> bytes:
        """What arrived when it is enough, the device closed, the limit is reached or the time is over."""
        got = b""
        while self._left > 0 and not enough(got):
            chunk = await self._read_chunk()
            if not chunk:
                break
            got += chunk
            self._left -= len(chunk)
        return got

    async def read_all(self) -> bytes:
        """Everything until the device closes, within the limits."""
        return await self.read_until(lambda _: False)

    async def read_exactly(self, octets: int) -> bytes:
        """Exactly so many octets.

        Raises:
            NoAnswer: fewer came in time.
        """
        got = b""
        while len(got) < octets:
            chunk = await self._read_chunk(octets - len(got))
            if not chunk:
                raise NoAnswer(Status.GARBLED, f"{len(got)} of {octets} octets came")
            got += chunk
        self._left -= octets
        return got

    async def _read_chunk(self, at_most: int = _CHUNK_OCTETS) -> bytes:
        left_s = self._deadline_s - asyncio.get_running_loop().time()
        try:
            return await asyncio.wait_for(self._reader.read(min(self._left, at_most)), max(left_s, 0))
        except (TimeoutError, OSError):
            return b""


class Gate:
    """Opens connections and sends datagrams inside a scope.

    Args:
        still_here: called before each packet; raises ``OutOfScope`` once the computer is on another network or the
            consent is over.

    Attributes:
        logins: the owner's own; here and nowhere else, so that no job, answer or log holds one.
        sent: what left, counted by kind; the tests hold it against packet captures.
    """

    def __init__(
        self,
        scope: Scope,
        limits: Limits,
        *,
        still_here: Callable[[], None],
        logins: OwnerLogins | None = None,
    ) -> None:
        self.scope, self.limits, self._logins = scope, limits, logins
        self.still_here, self._pacer = still_here, Pacer(limits)
        self.sent: Counter[str] = Counter()

    @property
    def logins(self) -> OwnerLogins:
        """The owner's own logins.

        Raises:
            OutOfScope: none were given.
        """
        if self._logins is None:
            raise OutOfScope("no login was given")
        return self._logins

    @asynccontextmanager
    async def connect(
        self,
        address: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        check_class: CheckClass = CheckClass.SERVICES,
    ) -> AsyncIterator[Stream]:
        """One TCP connection, torn down at the end of the block.

        Raises:
            OutOfScope: the scope refuses; nothing was sent.
            NoAnswer: refused, silent, or no TLS where TLS was asked for.
        """
        target = await self._admit(address, check_class, "tcp connection")
        deadline_s = asyncio.get_running_loop().time() + self.limits.exchange_timeout_s
        reader, writer = await self._open(target, port, tls, deadline_s)
        try:
            yield Stream(reader, writer, port=port, octets=self.limits.answer_octets, deadline_s=deadline_s)
        finally:
            await _tear_down(writer)

    async def ask(
        self, address: str, port: int, question: bytes, *, check_class: CheckClass = CheckClass.SERVICES
    ) -> bytes:
        """One datagram to one device and its first answer.

        Raises:
            OutOfScope: the scope refuses; nothing was sent.
            NoAnswer: closed, or silent.
        """
        target = await self._admit(address, check_class, "udp question")
        loop = asyncio.get_running_loop()
        with self._unicast(target, socket.SOCK_DGRAM) as sock:
            sock.connect(self._sockaddr(target, port))
            try:
                await loop.sock_sendall(sock, question)
                return await asyncio.wait_for(loop.sock_recv(sock, _DATAGRAM_OCTETS), self.limits.connect_timeout_s)
            except ConnectionError as error:
                # ICMP "port unreachable": refused on most systems, reset on Windows.
                raise NoAnswer(Status.CLOSED) from error
            except (TimeoutError, OSError) as error:
                raise _no_answer(error) from error

    async def ask_group(self, group: str, port: int, question: bytes, *, wait_s: float) -> list[tuple[str, bytes]]:
        """One multicast question and the answers of the link within the time, at most ``Limits.answers``.

        Raises:
            OutOfScope: the scope refuses; nothing was sent.
        """
        self.scope.admit_group(CheckClass.DISCOVER)
        self.still_here()
        await self._pacer.lan_turn()
        self.sent["multicast question"] += 1
        loop = asyncio.get_running_loop()
        with self._multicast() as sock:
            await loop.sock_sendto(sock, question, (group, port))
            return await self._collect(sock, loop.time() + wait_s)

    async def greet(self, addresses: list[IPAddress]) -> bool:
        """One ICMP echo to each address, so that the neighbour table fills; False where the system forbids it.

        Raises:
            OutOfScope: the scope refuses.
        """
        sock = _echo_socket()
        if sock is None:
            return False
        with sock:
            for sequence, address in enumerate(addresses):
                target = await self._admit(str(address), CheckClass.DISCOVER, "icmp echo", paced=False)
                await self._pacer.lan_turn()
                with suppress(OSError):
                    sock.sendto(_echo_request(sequence), (str(target), 0))
        return True

    async def _admit(self, address: str, check_class: CheckClass, kind: str, *, paced: bool = True) -> IPAddress:
        target = parse_address(address.split("%", maxsplit=1)[0])
        self.scope.admit(target, check_class)
        self.still_here()
        if paced:
            await self._pacer.turn(str(target))
        self.sent[kind] += 1
        return target

    async def _open(
        self, target: IPAddress, port: int, tls: ssl.SSLContext | None, deadline_s: float
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        sock = self._unicast(target, socket.SOCK_STREAM)
        options: dict[str, Any] = {"ssl": tls, "server_hostname": ""} if tls else {}
        try:
            await asyncio.wait_for(loop.sock_connect(sock, self._sockaddr(target, port)), self.limits.connect_timeout_s)
            return await asyncio.wait_for(asyncio.open_connection(sock=sock, **options), deadline_s - loop.time())
        except (TimeoutError, OSError, EOFError) as error:
            sock.close()
            raise _no_answer(error) from error

    def _unicast(self, target: IPAddress, kind: socket.SocketKind) -> socket.socket:
        v6 = target.version == 6
        sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, kind)
        sock.setblocking(False)
        if v6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
            sock.bind((str(self.scope.network.address), 0))
        return sock

    def _multicast(self) -> socket.socket:
        own = str(self.scope.network.address)
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
        sock.bind((own, 0))
        return sock

    def _sockaddr(self, target: IPAddress, port: int) -> tuple[Any, ...]:
        if isinstance(target, ipaddress.IPv6Address):
            return str(target), port, 0, self.scope.network.index if target.is_link_local else 0
        return str(target), port

    async def _collect(self, sock: socket.socket, until_s: float) -> list[tuple[str, bytes]]:
        loop = asyncio.get_running_loop()
        answers: list[tuple[str, bytes]] = []
        while len(answers) < self.limits.answers and (left_s := until_s - loop.time()) > 0:
            try:
                octets, sender = await asyncio.wait_for(loop.sock_recvfrom(sock, _DATAGRAM_OCTETS), left_s)
            except TimeoutError:
                break
            if self.scope.network.on_link(parse_address(sender[0])):
                answers.append((sender[0], octets))
        return answers


def _no_answer(error: Exception) -> NoAnswer:
    import ssl

    if isinstance(error, ConnectionRefusedError):
        return NoAnswer(Status.CLOSED)
    if isinstance(error, (ssl.SSLError, ConnectionError, EOFError)):
        return NoAnswer(Status.GARBLED, type(error).__name__)
    return NoAnswer(Status.SILENT, type(error).__name__)


async def _tear_down(writer: asyncio.StreamWriter) -> None:
    """Close without waiting for the device: one that never stops sending would hold us otherwise."""
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.drain(), 0.2)
    writer.close()
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 0.2)
    writer.transport.abort()


def _echo_socket() -> socket.socket | None:
    """Unprivileged echo where the system has it (macOS; Linux by sysctl), else a raw socket, else none."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        with suppress(OSError):
            sock = socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
            return sock
    return None


def _echo_request(sequence: int) -> bytes:
    """ICMP echo request without data (RFC 792)."""
    bare = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, 0x5E15, sequence & 0xFFFF)
    total = sum(struct.unpack("!4H", bare))
    return bare[:2] + struct.pack("!H", ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF) + bare[4:]
