"""What the link says by itself while a check-up runs: DHCP broadcasts and router advertisements. Nothing is sent.

Two DHCP servers, or a router that nobody installed, are how a LAN is turned to other name servers. A MUD URL (RFC 8520,
DHCP option 161) is the device's own pointer to the connections that it needs.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from sekisho.checkup.device import RawFact, Sighting
from sekisho.checkup.probes.text import printable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from sekisho.checkup.network import LocalNetwork

_COOKIE = b"\x63\x82\x53\x63"
_OPTIONS_AT = 240
_PAD, _END = 0, 255
_RESOLVERS, _HOST_NAME, _SERVER, _VENDOR_CLASS, _MUD_URL = 6, 12, 54, 60, 161
_ROUTER_ADVERTISEMENT, _RDNSS = 134, 25
_ICMP6_FILTER = 1
HEARD_LIMIT = 1000
"""Messages kept of one run; a LAN sends a few a minute, and a flood of them is not worth more memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpMessage:
    """One DHCP message (RFC 2131), either direction; "" and () where an option is not in it."""

    client_mac: str
    client: str
    server: str
    resolvers: tuple[str, ...]
    host_name: str
    vendor_class: str
    mud_url: str


@dataclass(frozen=True, slots=True)
class RouterAdvertisement:
    """One router advertisement (RFC 4861): who sent it, and the resolvers in it (RFC 8106)."""

    router: str
    resolvers: tuple[str, ...]


@dataclass(slots=True)
class Overheard:
    """Everything heard so far.

    Attributes:
        permitted: whether this system let us listen at all.
    """

    permitted: bool = False
    dhcp: list[DhcpMessage] = field(default_factory=list)
    advertisements: list[RouterAdvertisement] = field(default_factory=list)

    def others(self, network: LocalNetwork, own: Iterable[str]) -> tuple[str, ...]:
        """DHCP servers and IPv6 routers that are not the gateway.

        Args:
            network: with the gateway's IPv4 address.
            own: every address of the gateway. Where none of the routers is among them, its IPv6 address is not known
                to be its own, so a single router is taken for it.
        """
        servers = {message.server for message in self.dhcp if message.server} - {str(network.gateway)}
        routers = {a.router for a in self.advertisements}
        strange = routers - set(own)
        routers_besides = strange if strange != routers or len(strange) > 1 else set()
        return (*sorted(servers), *sorted(routers_besides))

    def sightings(self) -> Iterator[Sighting]:
        """What devices said about themselves when they asked for an address."""
        for message in self.dhcp:
            rows = (("host", message.host_name), ("vendor", message.vendor_class), ("mud_url", message.mud_url))
            facts = tuple(RawFact("dhcp", name, value) for name, value in rows if value)
            if message.client and facts:
                yield Sighting(message.client, facts=facts)


def decode_dhcp(octets: bytes) -> DhcpMessage | None:
    """A DHCP message, None where the octets are none."""
    if len(octets) < _OPTIONS_AT or octets[236:_OPTIONS_AT] != _COOKIE or octets[2] != 6:
        return None
    options = dict(_options(octets[_OPTIONS_AT:]))
    client = next((a for a in (octets[12:16], octets[16:20], options.get(50, b"")) if any(a)), b"")
    server = options.get(_SERVER, b"")
    return DhcpMessage(
        client_mac=":".join(f"{octet:02x}" for octet in octets[28:34]),
        client=str(IPv4Address(client)) if len(client) == 4 else "",
        server=str(IPv4Address(server)) if len(server) == 4 else "",
        resolvers=_addresses(options.get(_RESOLVERS, b"")),
        host_name=printable(options.get(_HOST_NAME, b""), 64),
        vendor_class=printable(options.get(_VENDOR_CLASS, b""), 64),
        mud_url=printable(options.get(_MUD_URL, b"")),
    )


def decode_advertisement(octets: bytes, sender: str) -> RouterAdvertisement | None:
    """A router advertisement without its IPv6 header, None where the octets are none."""
    if len(octets) < 16 or octets[0] != _ROUTER_ADVERTISEMENT:
        return None
    resolvers: list[str] = []
    at = 16
    while at + 2 <= len(octets):
        kind, length = octets[at], octets[at + 1] * 8
        if length == 0:
            break
        if kind == _RDNSS:
            body = octets[at + 8 : at + length]
            resolvers += [str(IPv6Address(body[i : i + 16])) for i in range(0, len(body) - 15, 16)]
        at += length
    return RouterAdvertisement(sender.partition("%")[0], tuple(resolvers))


@asynccontextmanager
async def listening(network: LocalNetwork) -> AsyncIterator[Overheard]:
    """Listens while the block runs; where the system forbids it (it needs the rights for port 67), nothing is heard."""
    heard = Overheard()
    with ExitStack() as stack:
        tasks = []
        with suppress(OSError, AttributeError):
            dhcp = stack.enter_context(_dhcp_socket(network.interface))
            tasks.append(asyncio.create_task(_hear(dhcp, heard)))
        with suppress(OSError, AttributeError):
            icmp = stack.enter_context(_advertisement_socket(network.interface))
            tasks.append(asyncio.create_task(_hear(icmp, heard)))
        heard.permitted = bool(tasks)
        try:
            yield heard
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _hear(sock: socket.socket, heard: Overheard) -> None:
    loop = asyncio.get_running_loop()
    while len(heard.dhcp) + len(heard.advertisements) < HEARD_LIMIT:
        octets, sender = await loop.sock_recvfrom(sock, 4096)
        if sock.family == socket.AF_INET6:
            advertisement = decode_advertisement(octets, sender[0])
            heard.advertisements += [advertisement] if advertisement else []
        else:
            message = decode_dhcp(octets)
            heard.dhcp += [message] if message else []


def _dhcp_socket(interface: str) -> socket.socket:
    """Port 67 hears what devices broadcast; option 54 of a request names the server that the device chose."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        sock.bind(("", 67))
    except (OSError, AttributeError):  # only Linux binds a socket to an interface
        sock.close()
        raise
    return sock


def _advertisement_socket(interface: str) -> socket.socket:
    """A raw ICMPv6 socket that the kernel lets only advertisements through to (RFC 3542, section 3.2)."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        blocked = [0xFFFFFFFF] * 8
        blocked[_ROUTER_ADVERTISEMENT // 32] &= ~(1 << _ROUTER_ADVERTISEMENT % 32) & 0xFFFFFFFF
        sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *blocked))
    except (OSError, AttributeError):
        sock.close()
        raise
    return sock


def _options(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(octets) and octets[at] != _END:
        if octets[at] == _PAD:
            at += 1
            continue
        if at + 1 >= len(octets):
            return
        length = octets[at + 1]
        yield octets[at], octets[at + 2 : at + 2 + length]
        at += 2 + length


def _addresses(octets: bytes) -> tuple[str, ...]:
    return tuple(str(IPv4Address(octets[i : i + 4])) for i in range(0, len(octets) - 3, 4))
