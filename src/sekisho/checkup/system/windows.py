"""Windows: PowerShell's network cmdlets as JSON. Read from recorded output in the tests; not run on Windows here."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from sekisho.checkup.system import Gateway, Neighbour, normal_mac, off_this_computer
from sekisho.core.address import parse_address

_ROUTES = (
    "Get-NetRoute -DestinationPrefix 0.0.0.0/0"
    " | Select-Object InterfaceAlias,InterfaceIndex,NextHop,RouteMetric,InterfaceMetric | ConvertTo-Json"
)
_NEIGHBOURS = "Get-NetNeighbor | Select-Object IPAddress,LinkLayerAddress,InterfaceAlias,State | ConvertTo-Json"
_RESOLVERS = "Get-DnsClientServerAddress | Select-Object -ExpandProperty ServerAddresses | ConvertTo-Json"
_UNREACHABLE = {0, 1, "Unreachable", "Incomplete"}


class Windows:
    """Parses what the system's own cmdlets print."""

    def gateway(self, interface: str | None) -> Gateway | None:
        """``Get-NetRoute`` of the default prefix."""
        return parse_routes(_powershell(_ROUTES), interface)

    def neighbours(self, interface: str) -> list[Neighbour]:
        """``Get-NetNeighbor``."""
        return parse_neighbours(_powershell(_NEIGHBOURS), interface)

    def resolvers(self) -> list[str]:
        """``Get-DnsClientServerAddress``, each once."""
        return off_this_computer(_powershell(_RESOLVERS))


def parse_routes(rows: list[Any], interface: str | None) -> Gateway | None:
    """The default route with the lowest metric; Windows adds the interface's to the route's."""
    usable = [row for row in rows if interface in (None, row["InterfaceAlias"])]
    if not usable:
        return None
    best = min(usable, key=lambda row: row["RouteMetric"] + row["InterfaceMetric"])
    return Gateway(best["InterfaceAlias"], parse_address(best["NextHop"]), best["InterfaceIndex"])


def parse_neighbours(rows: list[Any], interface: str) -> list[Neighbour]:
    """Reachable neighbours with a MAC; Windows lists multicast groups there too, which are no devices."""
    found = []
    for row in rows:
        mac, address = row["LinkLayerAddress"], parse_address(row["IPAddress"].split("%")[0])
        if row["InterfaceAlias"] == interface and mac and row["State"] not in _UNREACHABLE and not address.is_multicast:
            found.append(Neighbour(address, normal_mac(mac)))
    return found


def _powershell(script: str) -> list[Any]:
    command = ["powershell", "-NoProfile", "-Command", script]
    try:
        run = subprocess.run(command, capture_output=True, check=True, timeout=20)  # noqa: S603 # fixed words
        answer = json.loads(run.stdout or b"[]")
    except (OSError, subprocess.SubprocessError, json.JSONDecodeError):
        return []
    return answer if isinstance(answer, list) else [answer]


SYSTEM = Windows()
