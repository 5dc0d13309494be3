"""A link measured by the counters that an sFlow agent sends beside its samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from capture_builders import frame, pcap
from sekisho.pipeline.batch import analyze
from sflow_builders import counters_sample, flow_sample, if_counters, sampled_addresses, sflow

START_S, SECONDS = 1_793_530_800, 150
PPS, OCTETS, RATE = 30_000, 1000, 1000
FRAME_BPS = PPS * (OCTETS + 18) * 8
ASSIGNMENTS = "line_id,prefix,port_first,port_last,valid_from,valid_to\nL1,100.72.0.5/32,,,2026-01-01T00:00:00Z,\n"
LINES = "line_id,access_kind,group,up_bps,down_bps,link\nL1,ftth,home,1000000000,1000000000,ge-1\n"
CONFIG = f"""
[[link]]
name = "ge-1"
kind = "nte"
capacity_bps = {FRAME_BPS / 0.9:.0f}

[[exporter]]
address = "192.0.2.1"
sees = "both"

[[exporter.interface]]
index = 5
role = "subscriber"
link = "ge-1"
"""


def datagram(second: int, *, missing: float) -> bytes:
    """A second of a flood from one line, sampled 1 in 1,000, and every ten seconds the interface's counters."""
    per_second = PPS // RATE
    samples = [
        flow_sample(
            sampled_addresses(
                3,
                src="100.72.0.5",
                dst="203.0.113.7",
                octets=OCTETS,
                src_port=1024 + second * per_second + k,
                dst_port=80,
            ),
            sequence=second * per_second + k,
            rate=RATE,
            pool=(second * per_second + k) * RATE,
        )
        for k in range(per_second)
    ]
    if second % 10 == 0:
        passed = round(second * PPS / (1 - missing))
        ingress = (passed * (OCTETS + 18), passed, 0, 0, second * 200, 0)
        samples.append(counters_sample(if_counters(index=5, ingress=ingress), sequence=second // 10 + 1))
    return sflow(*samples, sequence=second, uptime_ms=1_000_000 + 1000 * second)


def judged(folder: Path, *, missing: float = 0.0) -> dict[str, Any]:
    frames = [frame(datagram(second, missing=missing)) for second in range(SECONDS)]
    times = [(START_S + second) * 1_000_000 for second in range(SECONDS)]
    (folder / "sflow.pcap").write_bytes(pcap(frames, times=times))
    (folder / "assignments.csv").write_text(ASSIGNMENTS)
    (folder / "lines.csv").write_text(LINES)
    (folder / "sekisho.toml").write_text(CONFIG)
    return analyze(
        [str(folder / "sflow.pcap")],
        lines=[folder / "assignments.csv", folder / "lines.csv"],
        map_e=None,
        engine="duckdb",
        config_file=folder / "sekisho.toml",
        on_progress=lambda *_: None,
    ).document


def test_the_agents_own_counters_measure_the_link(tmp_path: Path):
    """Octets of frames, packets and discards of counter samples; flows agree with them."""
    document = judged(tmp_path)
    (link,) = document["impact"]["links"]
    assert (link["measured"], link["missing"]) == ("counters_and_flows", [])
    assert link["load"]["peak_bps"] == pytest.approx(FRAME_BPS, rel=0.01)
    assert link["load"]["peak_pps"] == pytest.approx(PPS, rel=0.01)
    assert link["above_mark"]["minutes"] >= 2
    assert (link["abuse"]["lines"], link["abuse"]["other_lines"]) == (1, 0)
    assert link["abuse"]["share"] > 0.99
    assert link["others_slowed"] == {"answer": "yes", "by": "discards"}
    (covered,) = document["impact"]["coverage"]
    assert covered["coverage"] == pytest.approx(1.0, abs=0.01)
    assert {d["level"] for d in document["detections"]} == {"act"}


def test_an_agent_that_samples_less_than_it_says_is_told_by_its_counters(tmp_path: Path):
    """Half of the traffic missing in the samples: an alarm, and nothing automatic follows."""
    document = judged(tmp_path, missing=0.5)
    (covered,) = document["impact"]["coverage"]
    assert (covered["coverage"], covered["alarm"]) == (pytest.approx(0.5, abs=0.01), True)
    assert {d["level"] for d in document["detections"]} == {"watch"}
