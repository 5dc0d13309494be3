"""A scenario sent to a collector in real time, as its exporters would."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from sekisho.core.errors import InputError, Unavailable
from sekisho.simulate.run import outcome_of, truth, with_progress, write_inputs
from sekisho.simulate.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sekisho.simulate.run import Outcome
    from sekisho.simulate.scenario import Scenario

_LATE_MS = 1.0
"""Datagrams that are due within a millisecond leave together."""


@dataclass(frozen=True, slots=True)
class Collector:
    """Where the datagrams go: an address of this machine or of a private network, never the Internet."""

    address: IPv4Address | IPv6Address
    port: int

    @classmethod
    def parse(cls, text: str) -> Collector:
        """From ``HOST:PORT``, the host as an address (IPv6 in brackets).

        Raises:
            InputError: no such form, or an address that is neither loopback nor private, or one of many receivers.
        """
        host, _, port = text.rpartition(":")
        try:
            address = ip_address(host.removeprefix("[").removesuffix("]"))
            number = int(port)
        except ValueError:
            raise InputError(text, "expected ADDRESS:PORT such as 127.0.0.1:2055") from None
        if not 0 < number < 65_536:
            raise InputError(text, f"expected a port from 1 to 65535, found {port}")
        broadcast = isinstance(address, IPv4Address) and (address.packed[-1] == 255 or address.is_reserved)
        if not address.is_private or address.is_multicast or address.is_unspecified or broadcast:
            raise InputError(text, "expected an address of this machine or of a private network; nothing is sent")
        return cls(address, number)


def send(
    scenario: Scenario,
    out_dir: Path,
    collector: Collector,
    *,
    seed: int = 1,
    on_progress: Callable[[float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Send the datagrams one by one when they are due; the files without ``flows.pcap`` are written beside.

    All exporters share this machine's address, so each has a source port of its own; their times stay those of the
    scenario, as from routers whose clock is wrong.

    Raises:
        Unavailable: the system refuses to send there.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    simulation = Simulation(scenario, seed=seed)
    write_inputs(simulation, out_dir)
    family = socket.AF_INET if collector.address.version == 4 else socket.AF_INET6
    sockets = [socket.socket(family, socket.SOCK_DGRAM) for _ in scenario.exporter]
    started = clock()
    try:
        for exported in with_progress(simulation, on_progress):
            ahead_ms = exported.at_ms - scenario.start_ms - (clock() - started) * 1000
            if ahead_ms > _LATE_MS:
                sleep(ahead_ms / 1000)
            sockets[exported.exporter].sendto(exported.octets, (str(collector.address), collector.port))
    except OSError as error:
        raise Unavailable(f"{collector.address}:{collector.port}: {error.strerror}") from error
    finally:
        for opened in sockets:
            opened.close()
    (out_dir / "truth.json").write_text(json.dumps(truth(simulation), indent=1) + "\n", encoding="utf-8")
    return outcome_of(simulation)
