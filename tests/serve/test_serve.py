"""`sekisho serve` as operators run it: real processes, real sockets, the simulator's datagrams in real time."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from ports import free_port
from sekisho.core.metrics import METRICS
from sekisho.pipeline.batch import analyze
from sekisho.simulate.run import write_inputs
from sekisho.simulate.scenario import load
from sekisho.simulate.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SEED = 3
DURATION_S = 60
WAIT_S = 90.0
"""The first start compiles kernels; on a busy machine that takes a minute."""


class Served:
    """A `sekisho serve` over a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listen, self.http = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        self.config = folder / "sekisho.toml"
        # Nobody reconnects: the routers' clocks need not be right for this.
        scenario = load("quick")
        lines = scenario.lines.model_copy(update={"reconnects_per_hour": 0})
        scenario = scenario.model_copy(update={"duration_s": DURATION_S, "lines": lines})
        write_inputs(Simulation(scenario, seed=SEED), folder)
        self.write_config()
        self.log = (folder / "serve.log").open("wb")
        command = [sys.executable, "-m", "sekisho", "serve", "--config", str(self.config)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def write_config(self, more: str = "") -> None:
        self.config.write_text(
            f"""
[network]
prefixes = ["100.72.0.0/16", "2001:db8::/33"]
tunnel_endpoints = ["2001:db8:ffff::1"]
[[exporter]]
address = "127.0.0.1"
active_timeout_s = 60
inactive_timeout_s = 15
sampling_default = 100
boundary = "access"
role = "subscriber"
[files]
lines = ["assignments.csv", "lines.csv"]
map_e = ["map-e.toml"]
[attribution]
history = "history.db"
[[source]]
kind = "radius_detail"
file = "detail"
[receive]
listen = ["127.0.0.1:{self.listen}"]
buffer_octets = 4194304
[store]
directory = "flows"
floor_octets = 0
[serve]
directory = "state"
metrics = "127.0.0.1:{self.http}"
[cases]
url = "sqlite:///cases.db"
[detect]
baseline = "baseline.parquet"
{more}
""",
            encoding="utf-8",
        )

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """Sum of a family."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.startswith(f"sekisho_{name}")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def pid(self, process: str) -> int:
        return int(json.loads((self.folder / "state" / "status" / f"{process}.json").read_text())["pid"])

    def cases(self) -> set[tuple[str, str]]:
        """(line, kind) of every detection of every case."""
        with closing(sqlite3.connect(self.folder / "cases.db")) as database:
            try:
                return set(
                    database.execute(
                        "select line_id, kind from case_detection join subscriber_case on subscriber_case.id = case_id"
                    )
                )
            except sqlite3.OperationalError:
                return set()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self.log.close()
        return status

    def said(self) -> str:
        return (self.folder / "serve.log").read_text()


def until(holds: Callable[[], Any], wait_s: float = WAIT_S) -> Any:
    """Wait for something; the answer, or a failure that names it."""
    end_s = time.monotonic() + wait_s
    while time.monotonic() < end_s:
        if answer := holds():
            return answer
        time.sleep(0.1)
    pytest.fail(f"not within {wait_s:g} s: {holds}")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    try:
        until(lambda: served.get("/health")[0] == 200)
        yield served
    finally:
        if served.process.poll() is None:
            served.end()


def send(served: Served) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sekisho", "simulate", "quick", "--duration", str(DURATION_S), "--seed", str(SEED)]
    command += ["--set", "lines.reconnects_per_hour=0"]
    return subprocess.Popen(
        [*command, "-o", str(served.folder / "sent"), "--to", f"127.0.0.1:{served.listen}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_from_datagrams_to_cases_over_a_kill(served: Served):
    """Cases open while it runs; a collector that is killed goes on; what it kept says no less in batch."""
    sender = send(served)
    until(lambda: served.metric("records_total") > 200)
    before = served.pid("collector")
    os.kill(before, signal.SIGKILL)
    until(lambda: served.pid("collector") != before and served.metric("datagrams_total") > 0)
    assert sender.wait(120) == 0
    truth = json.loads((served.folder / "sent" / "truth.json").read_text())["attacks"]
    # Silence for longer than a tick: everything that was sent has been judged.
    until(lambda: served.metric("exporter_silent_seconds") > 8)
    until(served.cases)
    assert served.end() == 0
    found = analyze(
        [str(served.folder / "flows")],
        lines=[],
        map_e=None,
        engine="duckdb",
        config_file=served.config,
        on_progress=lambda *_: None,
    ).document
    in_batch = {(d["line_id"], d["kind"]) for d in found["detections"] if d["level"] == "act"}
    # The collector knows what was lost while it was gone and may leave a flood to a person; the store does not know.
    assert set() < served.cases() <= in_batch
    assert in_batch <= {(attack["line_id"], attack["kind"]) for attack in truth}
    assert (served.folder / "baseline.parquet").exists()


def test_a_wrong_configuration_is_refused_whole_and_a_right_one_taken(served: Served):
    """SIGHUP: the sentence is in the log and everything goes on; then the corrected file is in force."""
    before = served.pid("collector")
    served.write_config("[detect.udp_flood]\nno_such_threshold = 1\n[typo]\n")
    served.process.send_signal(signal.SIGHUP)
    until(lambda: "refused as a whole" in served.said())
    assert "typo" in served.said()
    assert served.pid("collector") == before
    served.write_config()
    served.process.send_signal(signal.SIGHUP)
    until(lambda: served.pid("collector") != before and served.get("/health")[0] == 200)


def test_strangers_and_silence_are_told(served: Served):
    """Whoever is not configured is refused, counted, and an alarm once."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as stranger:
        stranger.bind(("127.0.0.7", 0))
        for _ in range(5):
            stranger.sendto(b"\x00\x05" + bytes(60), ("127.0.0.1", served.listen))
    until(lambda: "unknown_exporter" in served.get("/health")[1])
    alarms = json.loads(served.get("/health")[1])["alarms"]
    assert any("5" in alarm["en"] and "5" in alarm["ja"] for alarm in alarms)
    assert served.metric("dropped_total") == 5


def test_every_metric_is_of_the_table(served: Served):
    """Names and labels are declared once."""
    names = {f"sekisho_{metric.name}" for metric in METRICS}
    told = {line.split("{")[0].split(" ")[0] for line in served.get("/metrics")[1].splitlines() if line[:1] != "#"}
    assert told - {""} <= names
    assert served.get("/")[0] == 404


def test_what_a_source_tells_reaches_the_running_lookup(served: Served):
    """A record that is appended while the collector runs is a change of what it looks up."""
    at_s = int(time.time())
    values = {
        "Acct-Status-Type": "Start",
        "NAS-IP-Address": "192.0.2.9",
        "Acct-Session-Id": "1",
        "User-Name": "u",
        "Framed-IP-Address": "100.72.255.200",
        "Event-Timestamp": at_s,
        "Timestamp": at_s,
    }
    record = "Tue Nov 24 12:00:00 2026\n" + "".join(f"\t{name} = {value}\n" for name, value in values.items()) + "\n"
    (served.folder / "detail").write_text(record)
    until(lambda: served.metric("source_events_total") == 1)
    until(lambda: served.metric("assignment_changes_total") + served.metric("assignment_indexes_total") >= 1)


def test_no_exporter_is_no_service(tmp_path: Path):
    """One sentence, exit status 2."""
    config = tmp_path / "sekisho.toml"
    config.write_text("[serve]\ndirectory = 'state'\n")
    done = subprocess.run(
        [sys.executable, "-m", "sekisho", "serve", "--config", str(config)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"sekisho: {config}: exporter: expected at least one [[exporter]], or under [serve] the processes of a host "
        "that receives nothing, found 0\n"
    )
