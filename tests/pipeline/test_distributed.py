"""A store analysed on Spark gives what it gives in this process; in Spark here, and on a cluster of three processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyspark
import pytest

from ports import free_port
from query.engines import spark as on_spark
from sekisho.core.errors import InputError
from sekisho.pipeline import batch, distributed
from sekisho.simulate.run import simulate
from sekisho.simulate.scenario import load
from small_scenarios import attack, exporter, scenario
from stored_network import store_of
from tools import needs

pytestmark = [*on_spark, pytest.mark.prove]

DEMO_SEED = 7
"""That of ``scripts/demo.py``."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two attacks of different kinds among some dozens of lines at two routers, one of which sees one way only."""
    folder = tmp_path_factory.mktemp("network")
    attacks = [
        attack(pps=9000, start_s=20.0, duration_s=40.0),
        attack(
            name="scan",
            kind="scan",
            access="map_e",
            start_s=30.0,
            duration_s=60.0,
            protocol="tcp",
            pps=300,
            octets=40,
            target="198.18.0.0/16",
            ports=[23],
        ),
    ]
    routers = [
        exporter(sampling_interval=100, access=["pppoe", "fixed"]),
        exporter(name="br-1", address="192.0.2.2", protocol="ipfix", sampling_interval=10, access=["map_e", "ipoe"]),
    ]
    lines = {"pppoe": 30, "map_e": 20, "ipoe": 10, "fixed": 2}
    simulate(scenario(duration_s=120, lines=lines, attack=attacks, exporter=routers), folder, seed=5)
    store_of(folder, folder / "flows", compacted=False)
    return folder


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``make demo`` simulates: 2,000 lines for twenty minutes, some of which attack."""
    folder = tmp_path_factory.mktemp("demo")
    simulate(load("demo"), folder, seed=DEMO_SEED)
    store_of(folder, folder / "flows")
    return folder


def judged(folder: Path, **how: Any) -> dict[str, Any]:
    analyse = distributed.analyze if "master" in how else batch.analyze
    return analyse(
        [str(folder / "flows")],
        lines=[folder / "assignments.csv", folder / "lines.csv"],
        map_e=folder / "map-e.toml",
        config_file=folder / "sekisho.toml",
        on_progress=lambda *_: None,
        **how,
    ).document


def test_the_same_document_as_in_one_process(network: Path):
    """Detections with the tick that decided, events, senders without a line, and every count of the input."""
    here = judged(network, engine="duckdb")
    assert {d["kind"] for d in here["detections"]} >= {"udp_flood", "scan"}
    assert judged(network, master="local[2]") == here


def test_an_input_that_is_no_store_is_refused(network: Path):
    """Captures are decoded in order by one process."""
    with pytest.raises(InputError, match="expected the folder of a flow store"):
        distributed.analyze(
            [str(network / "flows.pcap")],
            lines=[],
            map_e=None,
            master="local[2]",
            config_file=None,
            on_progress=lambda *_: None,
        )


def test_the_demo_on_both_engines(demo: Path, record_property: Callable[[str, object], None]):
    """Every attack that the demo has, among lines that do what households do."""
    began = time.monotonic()
    here = judged(demo, engine="duckdb")
    between = time.monotonic()
    there = judged(demo, master="local[2]")
    record_property("records", here["input"]["records"])
    record_property("detections", len(here["detections"]))
    record_property("s in this process", round(between - began))
    record_property("s by Spark", round(time.monotonic() - between))
    assert {d["kind"] for d in here["detections"]} == {"udp_flood", "tcp_syn_flood", "scan"}
    assert there == here


@pytest.mark.parametrize("workers", [1, 2])
def test_on_a_standalone_cluster(
    network: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
    workers: int,
):
    """One master and its workers, each a process of its own; they end with the test."""
    # Where executors find the driver.
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    here = judged(network, engine="duckdb")
    with cluster(tmp_path, workers) as master:
        began = time.monotonic()
        there = judged(network, master=master)
        record_property("records", here["input"]["records"])
        record_property("s", round(time.monotonic() - began))
    # Whether the machine was busy with something else.
    record_property("load", round(os.getloadavg()[1], 1))
    assert there == here


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[str]:
    """The address of a master with its workers, all of them on the loopback."""
    java, home = needs("java"), Path(pyspark.__file__).parent
    port = free_port(socket.SOCK_STREAM)
    common = [java, "-cp", f"{home}/jars/*", "-Xmx256m"]
    master = f"spark://127.0.0.1:{port}"
    deploy = "org.apache.spark.deploy"
    commands = [[f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]]
    commands += [
        [
            *(f"{deploy}.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0", "--cores", "1"),
            *("--memory", "1g", "--work-dir", str(folder / f"worker-{k}"), master),
        ]
        for k in range(workers)
    ]
    environment = os.environ | {
        "SPARK_HOME": str(home),
        # Spark's own shell scripts would find it out; without it workers start no executor.
        "SPARK_SCALA_VERSION": next(home.glob("jars/spark-core_*.jar")).name.split("_")[1].split("-")[0],
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            log = (folder / f"{len(started)}.log").open("wb")
            started.append(subprocess.Popen([*common, *command], env=environment, stdout=log, stderr=log))
            log.close()
            if len(started) == 1:
                wait_for(port)
        yield master
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(30)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError("the master does not listen")
