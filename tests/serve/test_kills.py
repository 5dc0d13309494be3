"""A collector that is killed again and again while it receives: nothing corrupt, nothing lost, nothing doubled.

One line floods all the time, and the exporter sends its template once, at the very beginning: everything that is found
later rests on what the first process left behind.
"""

from __future__ import annotations

import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from export_builders import FLOW_FIELDS, UPTIME_MS, a_set, flow, template, v9, v9_templates
from ports import free_port
from sekisho.serve.status import told
from sekisho.store.compact import Compactor
from sekisho.store.read import snapshot

if TYPE_CHECKING:
    from pathlib import Path

SOURCE, TARGET = 0x64480005, 0xCB007109
"""100.72.0.5, 203.0.113.9."""

RECORDS, PACKETS = 20, 5
EVERY_S = 0.02
"""A datagram of twenty records, five SYN each, fifty times a second: 5,000 packets/s that open nothing."""


class Exporter:
    """Sends a flood to a port, or the same to several, until told to stop; its template goes once."""

    def __init__(self, *ports: int) -> None:
        self.sent = 0
        self._ports = ports
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        started = time.monotonic()
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
            self._send(sender, v9_templates(template(256, FLOW_FIELDS)), started)
            while not self._ends.wait(EVERY_S):
                records = b"".join(
                    flow(
                        src=SOURCE,
                        dst=TARGET,
                        src_port=1024 + (self.sent * RECORDS + number) % 60_000,
                        dst_port=443,
                        protocol=6,
                        flags=0x02,
                        packets=PACKETS,
                        octets=PACKETS * 40,
                        first=self._uptime_ms(started) - 20,
                        last=self._uptime_ms(started) - 1,
                    )
                    for number in range(RECORDS)
                )
                self._send(sender, a_set(256, records), started)

    def _send(self, sender: socket.socket, content: bytes, started: float) -> None:
        octets = v9(content, sequence=self.sent, export_s=int(time.time()), uptime_ms=self._uptime_ms(started))
        for port in self._ports:
            sender.sendto(octets, ("127.0.0.1", port))
        self.sent += 1

    def _uptime_ms(self, started: float) -> int:
        return UPTIME_MS + round((time.monotonic() - started) * 1000)


def write_config(folder: Path, port: int) -> Path:
    (folder / "lines.csv").write_text(
        "line_id,prefix,port_first,port_last,valid_from,valid_to\nL5,100.72.0.5/32,,,,\n", encoding="utf-8"
    )
    config = folder / "sekisho.toml"
    config.write_text(
        f"""
[network]
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
buffer_octets = 4194304
[store]
directory = "flows"
floor_octets = 0
[cases]
url = "sqlite:///cases.db"
""",
        encoding="utf-8",
    )
    return config


def begin(config: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sekisho.serve", "collector", str(config)]
    with (config.parent / "collector.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def until_it_tells(config: Path, since_ms: int) -> None:
    """Wait until the collector has said something of itself; compiling may take a minute."""
    for _ in range(900):
        status = told(config.parent / "state", "collector")
        if status is not None and status.at_ms > since_ms:
            return
        time.sleep(0.1)
    pytest.fail((config.parent / "collector.log").read_text())


@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.prove)])
def test_killed_while_receiving(tmp_path: Path, kills: int):
    """Whatever the instants, one case with one episode; the state and every file of the store can be read."""
    rng = random.Random(kills)
    config = write_config(tmp_path, port := free_port())
    process = begin(config)
    until_it_tells(config, 0)
    exporter = Exporter(port)
    exporter.start()
    try:
        time.sleep(8)
        for _ in range(kills):
            process.kill()
            process.wait()
            if rng.random() < 0.3:
                Compactor(tmp_path / "flows", clock=lambda: time.time_ns() // 1_000_000, wait_ms=0).run()
            process = begin(config)
            # Before, while and after it has compiled, read its state and begun to receive.
            time.sleep(rng.uniform(0.0, 5.0))
        if process.poll() is None and kills:
            until_it_tells(config, time.time_ns() // 1_000_000)
        time.sleep(8)
    finally:
        exporter.stop()
        process.send_signal(signal.SIGTERM)
        status = process.wait(30)
    assert status == 0, (tmp_path / "collector.log").read_text()
    with closing(sqlite3.connect(tmp_path / "cases.db")) as cases:
        assert cases.execute("select line_id, state from subscriber_case").fetchall() == [("L5", "open")]
        episodes = cases.execute("select kind, first_seen, last_seen from case_detection").fetchall()
    assert [episode[0] for episode in episodes] == ["tcp_syn_flood"]
    with closing(sqlite3.connect(tmp_path / "state" / "collector.db")) as state:
        assert state.execute("pragma integrity_check").fetchone() == ("ok",)
        assert state.execute("select kind from track").fetchall() == [("tcp_syn_flood",)]
    Compactor(tmp_path / "flows", clock=lambda: time.time_ns() // 1_000_000, wait_ms=0).run(everything=True)
    with snapshot(tmp_path / "flows") as found:
        rows = sum(len(batch) for batch in found.batches())
        assert found.torn == found.missing == 0
    assert 0 < rows <= (exporter.sent - 1) * RECORDS
