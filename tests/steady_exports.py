"""An exporter that sends NetFlow v9 at an even rate: lines that do what lines do, one of which floods by turns."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export_builders import FLOW_FIELDS, UPTIME_MS, a_set, template, v9, v9_templates
from ports import free_port
from sekisho.core.time import now_ms
from sekisho.serve.status import Status, told

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = 100
"""Windows of a line are kept for an hour: with few lines they are small beside what a leak would be."""

SITES = 20
"""What each line talks to, each in a network of its own: packets of long connections, which open nothing."""

RECORDS = 25
"""Of a datagram: below the MTU of Ethernet."""

BURST_S = 0.02
FLOOD_EVERY_S, FLOOD_S = 120, 30
"""One line after the other floods: episodes open, end and settle."""

START_S = 600
"""The first start compiles kernels, niced and on a busy machine for minutes."""

TCP, PSH_ACK, SYN = 6, 0x18, 0x02
_RECORD = np.dtype(
    [(f"e{element}", f">u{length}") for element, length, *_ in FLOW_FIELDS],
)


def assignments() -> str:
    """A line for each address, as an assignments file."""
    rows = (f"L{number},100.72.0.{number}/32,,,," for number in range(LINES))
    return "\n".join(("line_id,prefix,port_first,port_last,valid_from,valid_to", *rows)) + "\n"


class Sender:
    """Sends to a port of this machine until told to stop."""

    def __init__(self, port: int, *, records_per_s: int) -> None:
        self._port, self._exports = port, Exports(records_per_s=records_per_s)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def sent(self) -> int:
        """Data records so far."""
        return self._exports.records

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as to:
            to.connect(("127.0.0.1", self._port))
            started = time.monotonic()
            while not self._ends.wait(BURST_S):
                for datagram in self._exports.due(time.monotonic() - started, now_ms()):
                    to.send(datagram)


class Exports:
    """What the exporter sends, for any clock.

    Attributes:
        records: data records so far.
    """

    def __init__(self, *, records_per_s: int) -> None:
        self.records = self._sequence = 0
        self._a_second = records_per_s / RECORDS
        self._rng = np.random.default_rng(1)

    def due(self, passed_s: float, at_ms: int) -> Iterator[bytes]:
        """Datagrams from the last call until so many seconds after the start, sent at that time."""
        clocks = {"export_s": at_ms // 1000, "uptime_ms": UPTIME_MS + round(passed_s * 1000)}
        due = int(passed_s * self._a_second) - self.records // RECORDS
        for records in self._data(due, passed_s, clocks["uptime_ms"]):
            if self._sequence % 5000 == 0:
                yield self._numbered(v9_templates(template(256, FLOW_FIELDS)), clocks)
            yield self._numbered(a_set(256, records, pad=True), clocks)
            self.records += RECORDS

    def _numbered(self, flow_set: bytes, clocks: dict[str, int]) -> bytes:
        self._sequence += 1
        return v9(flow_set, sequence=self._sequence - 1, **clocks)

    def _data(self, datagrams: int, passed_s: float, uptime_ms: int) -> list[bytes]:
        made = np.zeros((datagrams, RECORDS), _RECORD)
        line = self._rng.integers(LINES, size=made.shape)
        made["e8"] = 0x64480000 + line
        made["e12"] = 0xC6120001 + (line * 7 + self._rng.integers(SITES, size=made.shape)) % 256 * 256
        made["e7"] = self._rng.integers(1024, 65_536, size=made.shape)
        made["e11"], made["e4"], made["e6"] = 443, TCP, PSH_ACK
        made["e2"], made["e1"] = 8, 6000
        made["e22"], made["e21"] = uptime_ms - 1000, uptime_ms - 1
        if passed_s % FLOOD_EVERY_S < FLOOD_S:
            flood = made[:, : RECORDS // 2]
            flood["e8"] = 0x64480000 + int(passed_s // FLOOD_EVERY_S) % LINES
            flood["e12"], flood["e6"], flood["e2"], flood["e1"] = 0xC6336401, SYN, 1, 40
        return [row.tobytes() for row in made]


def write_config(folder: Path, port: int) -> Path:
    """For `sekisho serve` over a folder."""
    (folder / "lines.csv").write_text(assignments(), encoding="utf-8")
    config = folder / "sekisho.toml"
    config.write_text(
        f"""
[network]
prefixes = ["100.72.0.0/16"]
[[exporter]]
address = "127.0.0.1"
active_timeout_s = 60
inactive_timeout_s = 15
sampling_default = 10
boundary = "access"
role = "subscriber"
sees = "outbound"
[files]
lines = ["lines.csv"]
[receive]
listen = ["127.0.0.1:{port}"]
[store]
directory = "flows"
floor_octets = 0
[serve]
directory = "state"
metrics = "127.0.0.1:{free_port(socket.SOCK_STREAM)}"
[cases]
url = "sqlite:///cases.db"
""",
        encoding="utf-8",
    )
    return config


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """A `sekisho serve` over a folder, niced, as other work must go on; its port. It has to end well."""
    config = write_config(folder, port := free_port())
    command = ["nice", "-n", "5", sys.executable, "-m", "sekisho", "serve", "--config", str(config)]
    with (folder / "serve.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            end_s = time.monotonic() + START_S
            while told(folder / "state", "collector") is None:
                assert time.monotonic() < end_s, (folder / "serve.log").read_text()
                time.sleep(0.2)
            yield port
        finally:
            process.terminate()
            status = process.wait(40)
    assert status == 0, (folder / "serve.log").read_text()


@contextmanager
def sending(port: int, *, records_per_s: int) -> Iterator[Sender]:
    """A sender that ends with the block."""
    sender = Sender(port, records_per_s=records_per_s)
    sender.start()
    try:
        yield sender
    finally:
        sender.stop()


def resident_mib(process: int | str = "self") -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def sum_of(status: Status | None, name: str) -> float:
    """Sum of a family of numbers that a process told."""
    assert status is not None
    return sum(sample.value for sample in status.samples if sample.name == name)
