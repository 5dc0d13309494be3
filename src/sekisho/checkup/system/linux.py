"""Linux: ``/proc/net`` for IPv4, ``ip`` for the IPv6 neighbour table, ``resolv.conf`` for the resolvers."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from pathlib import Path

from sekisho.checkup.system import Gateway, Neighbour, off_this_computer
from sekisho.core.address import parse_address

_ROUTE_UP_GATEWAY = 0x3
_ARP_COMPLETE = 0x2


class Linux:
    """The running kernel's tables, of the network namespace that this process is in."""

    def __init__(
        self,
        *,
        proc: Path = Path("/proc/net"),
        resolv: Path = Path("/etc/resolv.conf"),
        behind_stub: Path = Path("/run/systemd/resolve/resolv.conf"),
    ) -> None:
        self._proc, self._resolv, self._behind_stub = proc, resolv, behind_stub

    def gateway(self, interface: str | None) -> Gateway | None:
        """The default route with the lowest metric."""
        rows = [line.split() for line in (self._proc / "route").read_text().splitlines()[1:]]
        defaults = [
            row
            for row in rows
            if row[1] == "00000000" and int(row[3], 16) & _ROUTE_UP_GATEWAY == _ROUTE_UP_GATEWAY
            if interface in (None, row[0])
        ]
        if not defaults:
            return None
        best = min(defaults, key=lambda row: int(row[6]))
        return Gateway(best[0], _host_order(best[2]))

    def neighbours(self, interface: str) -> list[Neighbour]:
        """Complete ARP entries, and IPv6 neighbours where ``ip`` is installed."""
        return self._arp(interface) + _neighbours_v6(interface)

    def resolvers(self) -> list[str]:
        """``nameserver`` lines; where they name a stub of this computer only, those that the stub asks."""
        return off_this_computer(_name_servers(self._resolv)) or off_this_computer(_name_servers(self._behind_stub))

    def _arp(self, interface: str) -> list[Neighbour]:
        rows = [line.split() for line in (self._proc / "arp").read_text().splitlines()[1:]]
        return [
            Neighbour(parse_address(row[0]), row[3].lower())
            for row in rows
            if row[5] == interface and int(row[2], 16) & _ARP_COMPLETE
        ]


def _name_servers(path: Path) -> list[str]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [words[1] for words in map(str.split, lines) if words[:1] == ["nameserver"] and len(words) > 1]


def _host_order(word: str) -> ipaddress.IPv4Address:
    """The kernel prints addresses as the native integer, which is little-endian on every machine we support."""
    return ipaddress.IPv4Address(bytes.fromhex(word)[::-1])


def _neighbours_v6(interface: str) -> list[Neighbour]:
    command = ["ip", "-6", "-json", "neigh", "show", "dev", interface]
    try:
        run = subprocess.run(command, capture_output=True, check=True, timeout=5)  # noqa: S603 # fixed words, our interface
    except (OSError, subprocess.SubprocessError):
        return []
    rows = json.loads(run.stdout or b"[]")
    return [Neighbour(parse_address(row["dst"]), row["lladdr"].lower()) for row in rows if "lladdr" in row]


SYSTEM = Linux()
