"""macOS: ``route``, ``arp``, ``ndp`` and ``scutil``. Read from recorded output in the tests; not run on a Mac here."""

from __future__ import annotations

import re
import subprocess

from sekisho.checkup.system import Gateway, Neighbour, normal_mac, off_this_computer
from sekisho.core.address import parse_address

_ARP_ROW = re.compile(r"\((?P<address>[\d.]+)\) at (?P<mac>[0-9a-f:]+) on (?P<interface>\S+)")
_NDP_ROW = re.compile(
    r"^(?P<address>[0-9a-f:]+)(?:%\S+)?\s+(?P<mac>[0-9a-f:]{11,17})\s+(?P<interface>\S+)", re.MULTILINE
)
_RESOLVER = re.compile(r"nameserver\[\d+\] : (\S+)")


class Darwin:
    """Parses what the system's own commands print."""

    def gateway(self, interface: str | None) -> Gateway | None:
        """``route -n get default``."""
        return parse_route(_output("route", "-n", "get", "default"), interface)

    def neighbours(self, interface: str) -> list[Neighbour]:
        """``arp -an`` and ``ndp -an``."""
        return parse_neighbours(_output("arp", "-an") + "\n" + _output("ndp", "-an"), interface)

    def resolvers(self) -> list[str]:
        """``scutil --dns``, each once."""
        return off_this_computer(_RESOLVER.findall(_output("scutil", "--dns")))


def parse_route(text: str, interface: str | None) -> Gateway | None:
    """The gateway of ``route -n get default``."""
    fields = dict(line.strip().split(": ", 1) for line in text.splitlines() if ": " in line)
    if "gateway" not in fields or interface not in (None, fields.get("interface")):
        return None
    return Gateway(fields["interface"], parse_address(fields["gateway"]))


def parse_neighbours(text: str, interface: str) -> list[Neighbour]:
    """Rows of ``arp -an`` and ``ndp -an`` of one interface; incomplete ones hold no MAC and do not match."""
    rows = [*_ARP_ROW.finditer(text), *_NDP_ROW.finditer(text)]
    return [
        Neighbour(parse_address(row["address"]), normal_mac(row["mac"]))
        for row in rows
        if row["interface"] == interface
    ]


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, check=True, timeout=5, text=True).stdout  # noqa: S603 # fixed words
    except (OSError, subprocess.SubprocessError):
        return ""


SYSTEM = Darwin()
