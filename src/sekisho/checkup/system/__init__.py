"""What each operating system knows about the link: default gateway, neighbour table, resolvers. One file per system."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Protocol

from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from sekisho.core.address import IPAddress

SYSTEMS = {
    "linux": "sekisho.checkup.system.linux",
    "darwin": "sekisho.checkup.system.darwin",
    "win32": "sekisho.checkup.system.windows",
}
"""``sys.platform`` -> module that implements ``System``."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A default route: through which interface to which router.

    Attributes:
        index: of the interface, where the system's tables give it (0 otherwise). Windows knows its interfaces by
            another name than the one that its tables print.
    """

    interface: str
    address: IPAddress
    index: int = 0


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One row of the neighbour table."""

    address: IPAddress
    mac: str


class System(Protocol):
    """Reads of one operating system; none of them sends a packet."""

    def gateway(self, interface: str | None) -> Gateway | None:
        """IPv4 default gateway, of one interface or of the best route."""

    def neighbours(self, interface: str) -> list[Neighbour]:
        """Neighbours of both IP versions whose MAC is known."""

    def resolvers(self) -> list[str]:
        """Addresses of the resolvers that this computer was given."""


def this_system() -> System:
    """The running operating system.

    Raises:
        Refused: a system that the check-up does not know.
    """
    name = SYSTEMS.get(sys.platform)
    if name is None:
        raise Refused(f"the check-up does not know the system {sys.platform}")
    system: System = import_module(name).SYSTEM
    return system


def off_this_computer(resolvers: list[str]) -> list[str]:
    """Resolvers, each once, without those that tell nothing about the network.

    A loopback address is a stub on this computer; Windows lists ``fec0:0:0:ffff::1`` to ``::3`` for every interface
    that was given none.
    """
    found = []
    for text in dict.fromkeys(resolvers):
        address = ip_address(text.partition("%")[0])
        if not address.is_loopback and not (isinstance(address, IPv6Address) and address.is_site_local):
            found.append(str(address))
    return found


def normal_mac(text: str) -> str:
    """A MAC as six lower-case pairs with colons, from ``a:b:c…``, ``AA-BB-…`` or without leading zeros.

    Raises:
        ValueError: the text is no MAC.
    """
    pairs = [int(part, 16) for part in text.replace("-", ":").split(":")]
    if len(pairs) != 6 or max(pairs) > 0xFF:
        raise ValueError(f"no MAC: {text!r}")
    return ":".join(f"{pair:02x}" for pair in pairs)


def mac_of(gateway: Gateway, neighbours: list[Neighbour]) -> str:
    """The gateway's MAC in a neighbour table, "" where it holds none."""
    return next((n.mac for n in neighbours if n.address == gateway.address), "")
