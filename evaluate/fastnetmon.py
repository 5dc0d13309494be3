"""FastNetMon community on the same datagrams, in real time, with three sets of thresholds side by side.

It bans an address that sends more packets or bits a second than a threshold. A line counts as found when it attacked
and held the address at that moment; an address that another line held counts as accused.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sekisho.core.time import parse_time
from sekisho.simulate.cell import cell
from sekisho.simulate.run import truth
from sekisho.simulate.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sekisho.simulate.scenario import Scenario

THRESHOLDS = ((1_000, 10), (5_000, 100), (20_000, 1_000))
"""Packets a second and Mb/s: eager, in between, and those that it ships with."""

KINDS = (
    "udp_flood",
    "tcp_syn_flood",
    "tcp_flood",
    "icmp_flood",
    "gre_flood",
    "http_flood",
    "dns_flood",
    "scan",
    "spam",
)
DURATION_S = 300
FIRST_PORT = 19_155

_CONFIGURATION = """disable_usage_report = on
logging_level = info
enable_ban = on
enable_ban_ipv6 = on
process_incoming_traffic = off
process_outgoing_traffic = on
ban_time = 0
networks_list_path = {folder}/networks
white_list_path = {folder}/white
enable_connection_tracking = off
ban_for_pps = on
ban_for_bandwidth = on
ban_for_flows = off
threshold_pps = {pps}
threshold_mbps = {mbps}
average_calculation_time = 5
netflow = on
netflow_host = 127.0.0.1
netflow_port = {port}
netflow_sampling_ratio = {sampling}
notify_script_path = {folder}/notify
monitor_local_ip_addresses = off
pid_path = {folder}/pid
cli_stats_file_path = {folder}/stats
cli_stats_ipv6_file_path = {folder}/stats6
prometheus = off
enable_api = off
"""
_NOTIFY = '#!/bin/sh\n[ "$4" = ban ] && echo "$(date +%s%3N) $1" >> {folder}/bans\ncat > /dev/null\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What one set of thresholds gave.

    Attributes:
        found: lines that attacked and were banned; ``attacks``: of so many.
        accused: addresses banned that a line held which attacked nobody.
    """

    pps: int
    mbps: int
    sampling: int
    found: int
    attacks: int
    accused: int


def contest(sampling: int) -> Scenario:
    """Five minutes of an evening with nine kinds of attack on dynamic addresses, which FastNetMon can name."""
    attacks = [{"kind": kind, "name": kind, "access": "pppoe", "start_s": 60.0, "duration_s": 200.0} for kind in KINDS]
    if sampling == 1:
        for attack in attacks:
            attack["duration_s"] = 60.0
    return cell(
        f"contest-{sampling}",
        sampling_interval=sampling,
        lines_each=150,
        duration_s=DURATION_S,
        active_timeout_s=10,
        inactive_timeout_s=10,
        attack=attacks,
    )


def compare(sampling: int, *, seed: int) -> list[Peer]:
    """Run every set of thresholds at once on the same datagrams, sent when they are due.

    Raises:
        FileNotFoundError: fastnetmon is not installed.
    """
    program = shutil.which("fastnetmon")
    if program is None:
        raise FileNotFoundError("fastnetmon: apt-get install fastnetmon")
    simulation = Simulation(contest(sampling), seed=seed)
    exported = [(each.at_ms, each.octets) for each in simulation.datagrams()]
    with TemporaryDirectory() as folder:
        folders = [_prepare(Path(folder) / str(n), n, sampling) for n in range(len(THRESHOLDS))]
        running = [_start(program, each) for each in folders]
        try:
            time.sleep(3)
            began_ms = _send(exported, simulation.scenario.start_ms)
            time.sleep(15)
        finally:
            for process in running:
                process.terminate()
                process.wait()
        bans = [_bans(each, began_ms, simulation.scenario.start_ms) for each in folders]
    return [_peer(simulation, t, sampling, each) for t, each in zip(THRESHOLDS, bans, strict=True)]


def _prepare(folder: Path, number: int, sampling: int) -> Path:
    folder.mkdir()
    pps, mbps = THRESHOLDS[number]
    values = {"folder": folder, "pps": pps, "mbps": mbps, "port": FIRST_PORT + number, "sampling": sampling}
    (folder / "conf").write_text(_CONFIGURATION.format(**values))
    (folder / "networks").write_text("100.72.0.0/16\n2001:db8::/33\n")
    (folder / "white").touch()
    notify = folder / "notify"
    notify.write_text(_NOTIFY.format(folder=folder))
    notify.chmod(0o755)
    return folder


def _start(program: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [program, "--configuration_file", str(folder / "conf"), "--log_file", str(folder / "log")]
    return subprocess.Popen(
        [*command, "--disable_pid_logic"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )


def _send(exported: Sequence[tuple[float, bytes]], start_ms: int) -> int:
    """Send everything when it is due; answers the wall clock at the scenario's start, milliseconds."""
    began = time.time()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number, (at_ms, octets) in enumerate(exported):
            ahead = (at_ms - start_ms) / 1000 - (time.time() - began)
            if ahead > 0.001:
                time.sleep(ahead)
            for port in range(FIRST_PORT, FIRST_PORT + len(THRESHOLDS)):
                sender.sendto(octets, ("127.0.0.1", port))
            if number % 1000 == 0:
                print(f"\rfastnetmon: {(at_ms - start_ms) / 1000:.0f} s", end="", file=sys.stderr)
    print(file=sys.stderr)
    return int(began * 1000)


def _bans(folder: Path, began_ms: int, start_ms: int) -> list[tuple[int, str]]:
    """(scenario time in milliseconds, address) of each ban."""
    path = folder / "bans"
    rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [(int(at) - began_ms + start_ms, address) for at, address in rows]


def _peer(simulation: Simulation, thresholds: tuple[int, int], sampling: int, bans: list[tuple[int, str]]) -> Peer:
    told = truth(simulation)["attacks"]
    guilty: dict[str, list[tuple[int, int, str]]] = {}
    for attack in told:
        for holder in attack["holders"]:
            since = parse_time(holder["valid_from"])
            until = parse_time(holder["valid_to"]) if holder["valid_to"] else 1 << 62
            guilty.setdefault(holder["prefix"], []).append((since, until, attack["line_id"]))
    found, accused = set(), set()
    for at_ms, address in bans:
        holders = guilty.get(str(ip_address(address)), [])
        lines = {line for since, until, line in holders if since <= at_ms < until}
        found |= lines
        accused |= set() if lines else {address}
    pps, mbps = thresholds
    return Peer(pps=pps, mbps=mbps, sampling=sampling, found=len(found), attacks=len(told), accused=len(accused))


def page(peers: Sequence[Peer], ours: dict[int, tuple[int, int, int]]) -> str:
    """Table; ``ours``: sampling -> found, attacks, accused of the product on the same datagrams."""
    rows = "".join(
        f"| FastNetMon, {p.pps:,} packets/s or {p.mbps:,} Mb/s | 1:{p.sampling} | {p.found} of {p.attacks} "
        f"| {p.accused} |\n"
        for p in peers
    )
    own = "".join(f"| Sekisho | 1:{s} | {f} of {n} | {a} |\n" for s, (f, n, a) in ours.items())
    return f"| | sampling | lines found | innocent addresses accused |\n|---|---|---|---|\n{rows}{own}"
