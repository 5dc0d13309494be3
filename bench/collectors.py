"""Collectors that ``bench.live`` sends to: how each is started, and what it writes down.

All listen at 127.0.0.1 and get the same socket buffer, by their own setting or by the system's default. They do
different things with what they receive: the names say what.
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT, METRICS_PORT = 29_956, 29_957
LARGEST_BUFFER_OCTETS = 32 << 20
LINES = 1 << 16

NETFLOW = "netflow==0.12.2"
"""The Python collector of the package index, in an environment of its own."""

ENVIRONMENT = Path("build/bench-netflow")

_NFACCTD = """daemonize: false
nfacctd_ip: 127.0.0.1
nfacctd_port: {port}
nfacctd_pipe_size: {octets}
plugins: print[out]
aggregate[out]: src_host
print_output_file[out]: {folder}/out.csv
print_output[out]: csv
print_refresh_time[out]: 3600
print_cache_entries[out]: 200003
"""

_FASTNETMON = """disable_usage_report = on
logging_level = info
enable_ban = on
process_incoming_traffic = off
process_outgoing_traffic = on
networks_list_path = {folder}/networks
white_list_path = {folder}/white
enable_connection_tracking = off
ban_for_pps = on
ban_for_bandwidth = on
ban_for_flows = off
threshold_pps = 20000
threshold_mbps = 1000
netflow = on
netflow_host = 127.0.0.1
netflow_port = {port}
netflow_sampling_ratio = 1
notify_script_path = /bin/true
monitor_local_ip_addresses = off
cli_stats_file_path = {folder}/stats
cli_stats_ipv6_file_path = {folder}/stats6
prometheus = off
enable_api = off
"""

_SERVE = """[network]
prefixes = ["100.72.0.0/16"]
[[exporter]]
address = "127.0.0.1"
active_timeout_s = 60
inactive_timeout_s = 15
sampling_default = 1
boundary = "access"
role = "subscriber"
sees = "outbound"
[files]
lines = ["lines.csv"]
[receive]
listen = ["127.0.0.1:{port}"]
buffer_octets = {octets}
[serve]
directory = "state"
metrics = "127.0.0.1:{metrics_port}"
"""

_STORE = '[store]\ndirectory = "flows"\nfloor_octets = 0\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """One of them.

    Attributes:
        name: what it is and does.
        command: folder for its files -> command line; writes its settings there.
        is_ready: whether it has begun; None = once its socket is there.
        datagrams: folder -> datagrams that it worked off; None = all that its socket took.
    """

    name: str
    command: Callable[[Path], Sequence[str]]
    is_ready: Callable[[Path], bool] | None = None
    datagrams: Callable[[Path], int] | None = None


def collectors() -> Iterator[Collector]:
    """Those that this machine has, ours first."""
    yield Collector(
        name="sekisho, receive + decode + append",
        command=lambda to: [sys.executable, "-m", "bench.live", "--receive", str(to)],
    )
    for name, more in (("sekisho serve, to verdict", ""), ("sekisho serve, to verdict + store", _STORE)):
        yield Collector(name=name, command=lambda to, more=more: _serve(to, more), is_ready=_serves)
    if nfcapd := shutil.which("nfcapd"):
        common = [nfcapd, "-b", "127.0.0.1", "-p", str(PORT), "-t", "3600", "-B", str(buffer_octets())]
        yield Collector(name="nfcapd, plain", command=lambda to: [*common, "-w", str(to)])
        yield Collector(name="nfcapd, LZO", command=lambda to: [*common, "-w", str(to), "-z"])
    if nfacctd := shutil.which("nfacctd") or shutil.which("nfacctd", path="/usr/sbin"):
        yield Collector(name="nfacctd, by source", command=lambda to: _nfacctd(nfacctd, to))
    if fastnetmon := shutil.which("fastnetmon") or shutil.which("fastnetmon", path="/usr/sbin"):
        yield Collector(name="fastnetmon, bans by rate", command=lambda to: _fastnetmon(fastnetmon, to))
    if python := _netflow_environment():
        options = ["-m", "netflow.collector", "--host", "127.0.0.1", "-p", str(PORT), "-o"]
        yield Collector(
            name="netflow (Python), to JSON lines",
            command=lambda to: [str(python), *options, str(to / "out.gz")],
            datagrams=lambda to: _json_lines(to / "out.gz"),
        )


def buffer_octets() -> int:
    """What every socket gets, also of a program that cannot force it."""
    return min(LARGEST_BUFFER_OCTETS, int(Path("/proc/sys/net/core/rmem_max").read_text()))


def _serve(folder: Path, more: str) -> list[str]:
    rows = (f"L{number},100.72.{number >> 8}.{number & 255}/32,,,," for number in range(LINES))
    header = "line_id,prefix,port_first,port_last,valid_from,valid_to"
    (folder / "lines.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    config = folder / "sekisho.toml"
    settings = _SERVE.format(port=PORT, octets=buffer_octets(), metrics_port=METRICS_PORT)
    config.write_text(settings + more, encoding="utf-8")
    return [sys.executable, "-m", "sekisho", "serve", "--config", str(config)]


def _serves(folder: Path) -> bool:
    """The collector tells of itself once everything is compiled."""
    status = folder / "state" / "status" / "collector.json"
    return status.exists() and bool(json.loads(status.read_bytes())["samples"])


def _nfacctd(program: str, folder: Path) -> list[str]:
    file = folder / "nfacctd.conf"
    file.write_text(_NFACCTD.format(folder=folder, port=PORT, octets=buffer_octets()), encoding="utf-8")
    return [program, "-f", str(file)]


def _fastnetmon(program: str, folder: Path) -> list[str]:
    (folder / "networks").write_text("100.72.0.0/16\n", encoding="utf-8")
    (folder / "white").touch()
    file = folder / "fastnetmon.conf"
    file.write_text(_FASTNETMON.format(folder=folder, port=PORT), encoding="utf-8")
    return [program, "--configuration_file", str(file), "--log_file", str(folder / "log"), "--disable_pid_logic"]


def _netflow_environment() -> Path | None:
    """Its interpreter; made the first time, None where that cannot be done."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], capture_output=True, check=False)
        if made.returncode:
            return None
    found = subprocess.run([python, "-c", "import netflow"], capture_output=True, check=False)
    if found.returncode:
        command = [python, "-m", "pip", "install", "--quiet", NETFLOW]
        found = subprocess.run(command, capture_output=True, check=False)
    return python.absolute() if not found.returncode else None


def _json_lines(file: Path) -> int:
    if not file.exists():
        return 0
    with gzip.open(file) as lines:
        return sum(1 for _ in lines)
