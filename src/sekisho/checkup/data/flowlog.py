"""The owner's router log as flows: CSV with ``device,destination,protocol,port`` and perhaps ``name``."""

from __future__ import annotations

import csv
from ipaddress import ip_address
from typing import TYPE_CHECKING

from sekisho.checkup.data.mud import Flow
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}


def read(path: Path) -> dict[str, tuple[Flow, ...]]:
    """Flows by address of the device.

    Raises:
        InputError: a column is missing, or a line holds no address, protocol or port.
    """
    found: dict[str, list[Flow]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                device = str(ip_address(row["device"]))
                found.setdefault(device, []).append(_flow(row))
            except (KeyError, TypeError, ValueError) as error:
                problem = f"device,destination,protocol,port expected: {error!r}"
                raise InputError(path, problem, line=number) from error
    return {device: tuple(dict.fromkeys(flows)) for device, flows in found.items()}


def _flow(row: dict[str, str]) -> Flow:
    text = row["protocol"].strip().lower()
    protocol = _PROTOCOLS[text] if text in _PROTOCOLS else int(text)
    return Flow(str(ip_address(row["destination"])), protocol, int(row["port"]), row.get("name") or "")
