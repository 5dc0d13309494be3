"""The same datagrams over loopback to collectors, one after the other: CPU seconds a million records, and loss.

NetFlow v9 with 16 fields, 29 records a datagram, sent at an even rate. CPU is user and system time of the collector's
processes from before the first datagram until all that its socket took is worked off, start and compilation left out;
loss is what the kernel dropped at the socket. A collector that is still behind after a minute is stopped there: its CPU
is divided by what it worked off. Every socket gets the same buffer, which is no more than the kernel gives to all.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from bench.collectors import PORT, Collector, buffer_octets, collectors
from bench.decode import RECORDS, _v9, _v9_template, _values
from bench.measure import best_of
from bench.store import now_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.wire.datagrams import Datagrams

RATES = (50_000, 100_000, 200_000, 300_000)
"""Records a second: once, twice and four times a load, and the budget."""

OURS = "sekisho"
SECONDS, BUDGET_S = 20.0, 60.0
"""At a rate, and at the highest: the design promises a minute of it without loss."""

DRAIN_S, LONGEST_DRAIN_S = 2.0, 60.0
"""By then every collector that keeps up has taken in what it was sent; a longer wait is for those that queue."""

IDLE_SHARE = 0.3
"""Of a core: who uses less has nothing left to work off."""

_TICKS = os.sysconf("SC_CLK_TCK")
_SEQUENCE_AT = 12
"""Octet of the sequence number in a v9 header (RFC 3954, section 5.1)."""

_DEFAULT_BUFFER = Path("/proc/sys/net/core/rmem_default")

Figures = dict[str, float]


def main() -> None:
    """Measure every collector that is installed at every rate; one line of JSON each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, help=f"at every rate; without it {SECONDS:.0f}, and {BUDGET_S:.0f} at the highest"
    )
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, help="records a second")
    parser.add_argument("--only", default="", help="collectors whose name holds this")
    parser.add_argument("--receive", type=Path, help="be the collector that is measured, with its store here")
    arguments = parser.parse_args()
    if arguments.receive is not None:
        receive(arguments.receive)
        return
    # One of them ends by a fault, which would leave its memory in a file here.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    datagrams = [_v9_template(), *_payloads(_v9(_values(RECORDS // 4)))]
    costs: dict[str, dict[int, float]] = {}
    with default_buffer(buffer_octets()):
        for collector in collectors():
            if arguments.only in collector.name:
                for rate in arguments.rates:
                    usual = SECONDS if rate < max(RATES) else BUDGET_S
                    figures = measure(collector, datagrams, rate, arguments.seconds or usual)
                    costs.setdefault(collector.name, {})[rate] = figures["cpu_s_per_million_records"]
                    print(json.dumps({"name": collector.name, "records_per_s": rate, **figures}), flush=True)
    for line in comparisons(costs):
        print(json.dumps(line))


def comparisons(costs: dict[str, dict[int, float]]) -> Iterator[dict[str, object]]:
    """What each costs next to each of ours, by rate; and how the cost of a record grows with the load."""
    for ours in (name for name in costs if name.startswith(OURS)):
        yield {
            f"times {ours}": {
                name: {rate: round(cost / costs[ours][rate], 2) for rate, cost in theirs.items() if costs[ours][rate]}
                for name, theirs in costs.items()
                if name != ours
            }
        }
    yield {
        "cost of a record, next to that at the lowest rate": {
            name: {rate: round(cost / theirs[min(theirs)], 2) for rate, cost in theirs.items() if theirs[min(theirs)]}
            for name, theirs in costs.items()
        }
    }


def measure(collector: Collector, datagrams: Sequence[bytes], rate: int, seconds: float) -> Figures:
    """One collector at one rate."""
    with tempfile.TemporaryDirectory() as name, running(collector, folder := Path(name)) as process:
        before = cpu_s(process.pid)
        sent = send(datagrams, rate, seconds)
        drained_s = drain(process.pid)
        used, lost = cpu_s(process.pid) - before, drops()
        resident = resident_mib(process.pid)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        done = collector.datagrams(folder) if collector.datagrams is not None else sent - lost
        millions = max(done, 1) * _records_per_datagram(datagrams) / 1e6
        figures: Figures = {
            "datagrams": sent,
            "lost_datagrams": lost,
            "unfinished_datagrams": sent - lost - done,
            "drained_s": round(drained_s, 1),
            "cpu_s_per_million_records": round(used / millions, 3),
            "resident_mib": round(resident),
        }
        if list(folder.glob("segments")):
            figures["with_compaction"] = round((used + _compaction_s(folder)) / millions, 3)
        return figures


@contextmanager
def running(collector: Collector, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A collector that has begun."""
    if _sockets():
        raise ChildProcessError(f"another program listens at port {PORT}")
    command = collector.command(folder)
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + 180
            while not (_sockets() and (collector.is_ready is None or collector.is_ready(folder))):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ChildProcessError(f"{command[0]} does not listen at port {PORT}")
                time.sleep(0.1)
            time.sleep(1)
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@contextmanager
def default_buffer(octets: int) -> Iterator[None]:
    """The buffer of sockets that ask for none, where the system lets us set it."""
    before = _DEFAULT_BUFFER.read_text()
    if not os.access(_DEFAULT_BUFFER, os.W_OK):
        yield
        return
    _DEFAULT_BUFFER.write_text(str(octets))
    try:
        yield
    finally:
        _DEFAULT_BUFFER.write_text(before)


def send(datagrams: Sequence[bytes], rate: int, seconds: float) -> int:
    """Send at an even rate with running sequence numbers; how many datagrams were sent."""
    a_second = rate / _records_per_datagram(datagrams)
    buffers = [bytearray(octets) for octets in datagrams]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", PORT))
        started, sent = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - started) < seconds:
            for _ in range(int(elapsed * a_second) - sent):
                octets = buffers[sent % len(buffers)]
                struct.pack_into(">I", octets, _SEQUENCE_AT, sent)
                sender.send(octets)
                sent += 1
            time.sleep(0.001)
    return sent


def drain(pid: int) -> float:
    """Wait until a collector has nothing left to work off; how long that took."""
    started = time.monotonic()
    time.sleep(DRAIN_S)
    used = cpu_s(pid)
    while (passed_s := time.monotonic() - started) < LONGEST_DRAIN_S:
        time.sleep(1)
        before, used = used, cpu_s(pid)
        if used - before < IDLE_SHARE:
            break
    return passed_s


def receive(store: Path) -> None:
    """Receive, decode and append until SIGINT."""
    from sekisho.collect.exporters import Exporters
    from sekisho.collect.receive import Receiver
    from sekisho.core.config_serve import ListenAddress
    from sekisho.store.segments import Segments
    from sekisho.wire.decoder import Decoder

    stopping: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: stopping.append(number))
    exporters = Exporters()
    exporters.start()
    decoder = Decoder(exporters=exporters.texts, realms=[""])
    decoder.start()
    segments = Segments(store, collector="bench", clock=now_ms, floor_octets=0)
    segments.start()
    listen = ListenAddress(ip_address("127.0.0.1"), PORT)
    receiver = Receiver(listen, exporters=exporters, buffer_octets=buffer_octets())
    receiver.start()
    while not stopping:
        datagrams = receiver.receive(200)
        if datagrams is not None:
            for flows in decoder.decode(datagrams):
                segments.append(flows)
    receiver.close()
    segments.close()


def cpu_s(pid: int) -> float:
    """User and system time of a process and its children."""
    return sum(_own_cpu_s(each) for each in _family(pid))


def resident_mib(pid: int) -> float:
    """Resident memory of a process and its children."""
    pages = sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in _family(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def drops() -> int:
    """Datagrams that the sockets had no room for."""
    return sum(int(row[-1]) for row in _sockets())


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(child))


def _own_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _sockets() -> list[list[str]]:
    # A collector may take IPv4 at an IPv6 socket.
    tables = (Path(f"/proc/net/{table}").read_text().splitlines()[1:] for table in ("udp", "udp6"))
    rows = (line.split() for table in tables for line in table)
    return [row for row in rows if row[1].endswith(f":{PORT:04X}")]


def _payloads(datagrams: Datagrams) -> Iterator[bytes]:
    for at, length in zip(datagrams.offset.tolist(), datagrams.length.tolist(), strict=True):
        yield datagrams.payload[at : at + length].tobytes()


def _records_per_datagram(datagrams: Sequence[bytes]) -> float:
    return RECORDS / 4 / len(datagrams)


def _compaction_s(store: Path) -> float:
    from sekisho.store.compact import Compactor

    return best_of(1, lambda: Compactor(store, clock=now_ms).run(everything=True)).cpu_s


if __name__ == "__main__":
    main()
