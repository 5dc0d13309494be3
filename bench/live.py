"""The same datagrams over loopback to collectors, one after the other: CPU seconds a million records, and loss.

NetFlow v9 with 16 fields, 29 records a datagram, sent at 50, 100 and 300 thousand records a second. CPU is user and
system time of the collector's processes from before the first datagram until the last is taken in, start and
compilation left out; loss is what the kernel dropped at the socket. Every socket asks for the same buffer, which is no
more than the kernel gives to all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from bench.decode import RECORDS, _v9, _v9_template, _values
from bench.measure import best_of
from bench.store import now_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.wire.datagrams import Datagrams

RATES = (50_000, 100_000, 300_000)
PORT = 29_956
LARGEST_BUFFER_OCTETS = 32 << 20
DRAIN_S = 2.0
"""By then every collector has taken in what it was sent, or lost it."""

_TICKS = os.sysconf("SC_CLK_TCK")
_SEQUENCE_AT = 12
"""Octet of the sequence number in a v9 header (RFC 3954, section 5.1)."""

NFACCTD = """daemonize: false
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

Command = Callable[[Path], Sequence[str]]


def main() -> None:
    """Measure every collector that is installed at every rate; one line of JSON each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--receive", type=Path, help="be the collector that is measured, with its store here")
    arguments = parser.parse_args()
    if arguments.receive is not None:
        receive(arguments.receive)
        return
    datagrams = [_v9_template(), *_payloads(_v9(_values(RECORDS // 4)))]
    costs: dict[str, list[float]] = {}
    for name, command in collectors():
        for rate in RATES:
            result = measure(command, datagrams, rate, arguments.seconds)
            costs.setdefault(name, []).append(float(result["cpu_s_per_million_records"]))
            print(json.dumps({"name": name, "records_per_s": rate, **result}), flush=True)
    ours = costs["sekisho, receive + decode + append"]
    ratios = {n: [round(theirs / own, 2) for theirs, own in zip(c, ours, strict=True) if own] for n, c in costs.items()}
    print(json.dumps({"times_our_append": ratios}))


def collectors() -> Iterator[tuple[str, Command]]:
    """Name and command line of each."""
    yield "sekisho, receive + decode + append", lambda to: [sys.executable, "-m", "bench.live", "--receive", str(to)]
    if program := shutil.which("nfcapd"):
        common = [program, "-b", "127.0.0.1", "-p", str(PORT), "-t", "3600", "-B", str(buffer_octets())]
        yield "nfcapd, plain", lambda to: [*common, "-w", str(to)]
        yield "nfcapd, LZO", lambda to: [*common, "-w", str(to), "-z"]
    if nfacctd := shutil.which("nfacctd") or shutil.which("nfacctd", path="/usr/sbin"):
        yield "nfacctd, by source", lambda to: [nfacctd, "-f", str(_nfacctd_settings(to))]


def measure(command: Command, datagrams: Sequence[bytes], rate: int, seconds: float) -> dict[str, float]:
    """One collector at one rate."""
    with tempfile.TemporaryDirectory() as folder, running(command(Path(folder))) as process:
        before = cpu_s(process.pid)
        sent = send(datagrams, rate, seconds)
        time.sleep(DRAIN_S)
        used, lost = cpu_s(process.pid) - before, drops()
        figures = {
            "datagrams": sent,
            "lost_datagrams": lost,
            "cpu_s_per_million_records": round(used / (sent * _records_per_datagram(datagrams) / 1e6), 3),
        }
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        if list(Path(folder).glob("segments")):
            cost = _compaction_s(Path(folder))
            figures["with_compaction"] = round((used + cost) / (sent * _records_per_datagram(datagrams) / 1e6), 3)
        return figures


@contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A collector whose socket is open."""
    if _socket() is not None:
        raise ChildProcessError(f"another program listens at port {PORT}")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while _socket() is None:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ChildProcessError(f"{command[0]} does not listen at port {PORT}")
                time.sleep(0.1)
            time.sleep(1)
            yield process
        finally:
            if process.poll() is None:
                process.kill()


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


def buffer_octets() -> int:
    """What every socket gets, also of a program that cannot force it."""
    return min(LARGEST_BUFFER_OCTETS, int(Path("/proc/sys/net/core/rmem_max").read_text()))


def cpu_s(pid: int) -> float:
    """User and system time of a process and its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / _TICKS
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_s(int(child)) for child in children)


def drops() -> int:
    """Datagrams that the socket had no room for."""
    row = _socket()
    assert row is not None, "the collector is running"
    return int(row[-1])


def _socket() -> list[str] | None:
    # A collector may take IPv4 at an IPv6 socket.
    tables = (Path(f"/proc/net/{table}").read_text().splitlines()[1:] for table in ("udp", "udp6"))
    rows = (line.split() for table in tables for line in table)
    return next((row for row in rows if row[1].endswith(f":{PORT:04X}")), None)


def _payloads(datagrams: Datagrams) -> Iterator[bytes]:
    for at, length in zip(datagrams.offset.tolist(), datagrams.length.tolist(), strict=True):
        yield datagrams.payload[at : at + length].tobytes()


def _records_per_datagram(datagrams: Sequence[bytes]) -> float:
    return RECORDS / 4 / len(datagrams)


def _nfacctd_settings(folder: Path) -> Path:
    file = folder / "nfacctd.conf"
    file.write_text(NFACCTD.format(folder=folder, port=PORT, octets=buffer_octets()), encoding="utf-8")
    return file


def _compaction_s(store: Path) -> float:
    from sekisho.store.compact import Compactor

    return best_of(1, lambda: Compactor(store, clock=now_ms).run(everything=True)).cpu_s


if __name__ == "__main__":
    main()
