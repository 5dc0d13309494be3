"""The local network: the chosen interface, its prefixes, its gateway, and the identity that consent is bound to."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.checkup.system import mac_of
from sekisho.core.address import IPAddress, IPNetwork, parse_address
from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from sekisho.checkup.system import System

LINK_LOCAL_V6 = ipaddress.IPv6Network("fe80::/10")


@dataclass(frozen=True, slots=True)
class NetworkIdentity:
    """What a consent is bound to: the gateway's MAC and the IPv4 prefix. Both change when one walks elsewhere."""

    gateway_mac: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalNetwork:
    """The link of one interface.

    Attributes:
        index: interface index, the scope of link-local IPv6 addresses.
        address: our own IPv4 address there.
        prefixes: on-link prefixes, IPv4 and IPv6.
        gateway: IPv4 default gateway.
        gateway_mac: its MAC, "" while the neighbour table does not hold it.
    """

    interface: str
    index: int
    address: ipaddress.IPv4Address
    prefixes: tuple[IPNetwork, ...]
    gateway: IPAddress | None
    gateway_mac: str

    @property
    def prefix(self) -> ipaddress.IPv4Network:
        """The IPv4 prefix that our address stands in."""
        return next(p for p in self.prefixes if isinstance(p, ipaddress.IPv4Network) and self.address in p)

    @property
    def identity(self) -> NetworkIdentity:
        """Gateway MAC and prefix."""
        return NetworkIdentity(self.gateway_mac, str(self.prefix))

    def on_link(self, address: IPAddress) -> bool:
        """Whether the address is a host of this link, reached without a router."""
        if isinstance(address, ipaddress.IPv6Address) and address in LINK_LOCAL_V6:
            return True
        if address in (self.prefix.network_address, self.prefix.broadcast_address):
            return False
        return any(address in prefix for prefix in self.prefixes)


def local_network(system: System, interface: str | None = None) -> LocalNetwork:
    """The link of an interface, by default the one of the default route.

    Raises:
        Refused: no such interface, no IPv4 address on it, or the interface stands on the Internet itself.
    """
    gateway = system.gateway(interface)
    name = interface or (gateway.interface if gateway else None)
    if name is None:
        raise Refused("there is no default route here; name the interface of your network with --interface")
    addresses = _addresses(name)
    own = next((a for a in addresses if isinstance(a, ipaddress.IPv4Interface)), None)
    if own is None:
        raise Refused(f"interface {name} has no IPv4 address")
    if own.ip.is_global:
        raise Refused(f"interface {name} stands on the Internet itself ({own.ip}), not behind a router of yours")
    router = gateway.address if gateway else None
    return LocalNetwork(
        interface=name,
        index=(gateway.index if gateway else 0) or socket.if_nametoindex(name),
        address=own.ip,
        prefixes=tuple(a.network for a in addresses),
        gateway=router,
        gateway_mac=mac_of(gateway, system.neighbours(name)) if gateway else "",
    )


def _addresses(interface: str) -> list[ipaddress.IPv4Interface | ipaddress.IPv6Interface]:
    import psutil

    rows = psutil.net_if_addrs().get(interface)
    if rows is None:
        raise Refused(f"there is no interface {interface} here")
    return [
        ipaddress.ip_interface(f"{parse_address(row.address.split('%')[0])}/{_length(row.netmask)}")
        for row in rows
        if row.family in (socket.AF_INET, socket.AF_INET6) and row.netmask
    ]


def _length(netmask: str) -> int:
    return ipaddress.ip_address(netmask.split("%", maxsplit=1)[0]).__int__().bit_count()
