"""The flow store next to nfcapd and nfdump: cost of keeping a record, octets a record, time of a hunt.

The same datagrams go into both: through the decoder into segments and Parquet, and over loopback to nfcapd. A hunt
looks at hours, not at the minute of the capture, so both hold the capture several times.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from ipaddress import ip_address
from pathlib import Path

from bench.measure import best_of, of_child, show
from bench.verdict import capture
from sekisho.attribution.attributor import Attributor
from sekisho.collect.capture import Capture
from sekisho.collect.exporters import Exporters
from sekisho.core.config import Network
from sekisho.store.compact import Compactor
from sekisho.store.hunt import Period, hunt
from sekisho.store.segments import Segments
from sekisho.store.targets import Targets
from sekisho.wire.decoder import Decoder

TARGET = "198.51.100.20"
"""A line of the capture floods it: 4,000 records of 4 million."""

PORT = 29_955
PAUSE_OCTETS, PAUSE_S = 1 << 20, 0.02
"""nfcapd keeps up with some 50 MB a second; what it does not count is an error below, not a better figure."""


def main() -> None:
    """Fill both, ask both, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=4, help="how often the capture is kept")
    arguments = parser.parse_args()
    file, records = capture()
    records *= arguments.copies
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        print(json.dumps(keeping(file, root, records, arguments.copies)))
        print(json.dumps({"octets_per_record": round(octets(root) / records, 2)}))
        hunting(root, records)
        if shutil.which("nfcapd") and shutil.which("nfdump"):
            nfdump(file, Path(folder) / "nfcapd", records, arguments.copies)


def keeping(file: Path, root: Path, records: int, copies: int) -> dict[str, float]:
    """CPU microseconds a record of appending and of compaction; decoding and attribution are left out."""
    folder, exporters = file.parent, Exporters()
    decoder = Decoder(exporters=exporters.texts, realms=[""])
    attributor = Attributor.load(
        lines=[folder / "assignments.csv"], map_e=folder / "map-e.toml", network=Network(), realms=[""]
    )
    decoder.start()
    attributor.start()
    segments = Segments(root, collector="bench", clock=now_ms, floor_octets=0)
    segments.start()
    append_s = 0.0
    for _ in range(copies):
        for datagrams in Capture(str(file), exporters=exporters):
            for flows in decoder.decode(datagrams):
                attributor.attribute(flows)
                started = time.process_time()
                segments.append(flows)
                append_s += time.process_time() - started
    started = time.process_time()
    segments.close()
    append_s += time.process_time() - started
    assert segments.counts.rows == records, segments.counts
    waiting = octets(root)
    cost = best_of(1, lambda: Compactor(root, clock=now_ms).run(everything=True))
    return {
        "records": records,
        "append_us_per_record": round(append_s * 1e6 / records, 3),
        "segment_octets_per_record": round(waiting / records, 2),
        "compact_us_per_record": round(cost.cpu_s * 1e6 / records, 3),
        "max_rss_mib": round(cost.max_rss_mib),
    }


def hunting(root: Path, records: int) -> None:
    """The whole command, and the search alone."""
    options = ["--store", str(root), "--to", TARGET, "--purpose", "own_network_protection", "--format", "json"]
    command = [sys.executable, "-m", "sekisho", "hunt", *options]
    of_child(command)
    show("hunt, whole command", min((of_child(command) for _ in range(3)), key=lambda c: c.wall_s), records=records)
    targets = Targets.of_address(ip_address(TARGET))
    found = hunt(root, targets, Period())
    cost = best_of(3, lambda: hunt(root, targets, Period()))
    show("hunt, search alone", cost, records=records, found=found.total.records, rows_read=found.reading.rows)


def nfdump(file: Path, folder: Path, records: int, copies: int) -> None:
    """The same question to nfdump, over the same records, plain and with LZ4."""
    for name, option in (("plain", []), ("LZ4", ["-y"])):
        kept = folder / name
        kept.mkdir(parents=True)
        collect(file, kept, option, copies)
        held = sum(int(line.split(":")[1]) for line in summary(kept) if line.startswith("Flows:"))
        size = octets(kept) / records
        command = ["nfdump", "-R", str(kept), "-A", "srcip", "-q", f"dst ip {TARGET}"]
        of_child(command)
        cost = min((of_child(command) for _ in range(3)), key=lambda c: c.wall_s)
        show(f"nfdump, {name}", cost, records=held, missing=records - held, octets_per_record=round(size, 2))


def collect(file: Path, kept: Path, option: list[str], copies: int) -> None:
    """Send the capture's datagrams to nfcapd over loopback and let it close its files."""
    command = ["nfcapd", "-w", str(kept), "-b", "127.0.0.1", "-p", str(PORT), "-t", "3600", "-B", "33554432", *option]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as collector:
        time.sleep(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(copies):
                sent = 0
                for datagrams in Capture(str(file), exporters=Exporters()):
                    for at, length in zip(datagrams.offset.tolist(), datagrams.length.tolist(), strict=True):
                        sender.sendto(datagrams.payload[at : at + length].data, ("127.0.0.1", PORT))
                        sent += length
                        if sent > PAUSE_OCTETS:
                            time.sleep(PAUSE_S)
                            sent = 0
        time.sleep(2)
        collector.terminate()


def summary(kept: Path) -> list[str]:
    """What nfdump says that its files hold."""
    files = [path for path in kept.iterdir() if path.name.startswith("nfcapd.")]
    lines = []
    for path in files:
        told = subprocess.run(["nfdump", "-I", "-r", str(path)], capture_output=True, text=True, check=True)
        lines += told.stdout.splitlines()
    return lines


def octets(folder: Path) -> int:
    """Size of everything in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def now_ms() -> int:
    """The clock."""
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    main()
