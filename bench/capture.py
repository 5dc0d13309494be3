"""How fast captures are read into export datagrams, per kind of frame; prints JSON."""

from __future__ import annotations

import argparse
import json
import struct
import tempfile
import time
from pathlib import Path

from bench.measure import peak_rss_mib
from sekisho.collect.capture import read_capture
from sekisho.collect.exporters import Exporters

PAYLOAD_OCTETS = 1400
EXPORTERS = 16


def main() -> None:
    """Write a capture of each kind, read it once to warm up and three times for the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=512)
    arguments = parser.parse_args()
    kinds = {
        "exports": [_frame(exporter, PAYLOAD_OCTETS, version=9) for exporter in range(EXPORTERS)],
        "other traffic": [_frame(exporter, 80, version=0) for exporter in range(EXPORTERS)],
    }
    figures = {kind: _measure(frames, arguments.megabytes << 20) for kind, frames in kinds.items()}
    figures["peak_rss_mib"] = round(peak_rss_mib())
    print(json.dumps(figures, indent=2))


def _measure(frames: list[bytes], octets: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "capture.pcap"
        count = _write(path, frames, octets)
        cpu_s = min(_read(path) for _ in range(4))
        return {
            "frames": count,
            "megabytes_per_s": round(path.stat().st_size / 1e6 / cpu_s),
            "million_frames_per_s": round(count / 1e6 / cpu_s, 2),
        }


def _read(path: Path) -> float:
    start = time.process_time()
    for _ in read_capture(path, exporters=Exporters()):
        pass
    return time.process_time() - start


def _write(path: Path, frames: list[bytes], octets: int) -> int:
    records = b"".join(struct.pack("<IIII", 1_700_000_000, 0, len(frame), len(frame)) + frame for frame in frames)
    repeats = octets // len(records)
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
        for _ in range(repeats):
            file.write(records)
    return repeats * len(frames)


def _frame(exporter: int, payload_octets: int, *, version: int) -> bytes:
    payload = struct.pack(">H", version).ljust(payload_octets, b"\0")
    udp = struct.pack(">HHHH", 40_000, 2055, 8 + len(payload), 0) + payload
    addresses = bytes((192, 0, 2, exporter, 198, 51, 100, 1))
    return bytes(12) + b"\x08\0" + struct.pack(">BBHIBBH", 0x45, 0, 20 + len(udp), 0, 64, 17, 0) + addresses + udp


if __name__ == "__main__":
    main()
