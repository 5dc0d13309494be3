"""A capture through the whole run: the truth is found, replays agree, and a verdict stands at its tick."""

from __future__ import annotations

import json
import struct
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from sekisho.core.time import parse_time
from sekisho.pipeline.batch import analyze
from sekisho.pipeline.clock import TICK_MS


@pytest.fixture(scope="module")
def network(quick: Path) -> Path:
    return quick


def document(folder: Path, capture: Path | None = None) -> dict[str, Any]:
    return analyze(
        [str(capture or folder / "flows.pcap")],
        lines=[folder / "assignments.csv", folder / "lines.csv"],
        map_e=folder / "map-e.toml",
        engine="duckdb",
        config_file=folder / "sekisho.toml",
        on_progress=lambda *_: None,
    ).document


def cut(capture: Path, until_ms: int, target: Path) -> Path:
    """A copy of a nanosecond or microsecond pcap without what arrived after a time."""
    octets = capture.read_bytes()
    per_ms = 1_000_000 if octets[:4] == b"\x4d\x3c\xb2\xa1" else 1_000
    kept, at = octets[:24], 24
    while at < len(octets):
        seconds, fraction, length, _ = struct.unpack_from("<IIII", octets, at)
        if seconds * 1000 + fraction // per_ms <= until_ms:
            kept += octets[at : at + 16 + length]
        at += 16 + length
    target.write_bytes(kept)
    return target


def names(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(detection["line_id"], detection["kind"]) for detection in found["detections"]}


def test_every_attack_is_found_on_its_line_and_nothing_else(network: Path):
    """The simulated truth: all lines and kinds, no innocent line, an estimate close to what was sent."""
    truth = json.loads((network / "truth.json").read_text(encoding="utf-8"))["attacks"]
    found = document(network)
    assert names(found) == {(attack["line_id"], attack["kind"]) for attack in truth}
    packets = {detection["line_id"]: detection["packets"] for detection in found["detections"]}
    for attack in truth:
        assert packets[attack["line_id"]] == pytest.approx(attack["packets"], rel=0.25)


def test_records_of_the_capture_are_all_accounted_for(network: Path):
    """What the simulator wrote is what was read: nothing lost, late or undecoded."""
    exporters = json.loads((network / "truth.json").read_text(encoding="utf-8"))["exporters"]
    data = document(network)["input"]
    assert data["records"] == sum(exporter["records"] for exporter in exporters)
    assert (data["records_lost"], data["late"], data["undecodable"]) == (0, 0, {})


def test_replaying_gives_the_same_json(network: Path):
    """Nothing depends on the wall clock, on memory addresses or on chance."""
    assert document(network) == document(network)


def test_a_verdict_stands_at_the_tick_that_decided(network: Path, tmp_path: Path):
    """Cut at ``detected_at`` the detection is there; cut one tick earlier it is not."""
    for detection in document(network)["detections"]:
        name, at_ms = (detection["line_id"], detection["kind"]), parse_time(detection["detected_at"])
        capture = network / "flows.pcap"
        assert name in names(document(network, cut(capture, at_ms, tmp_path / "there.pcap")))
        assert name not in names(document(network, cut(capture, at_ms - TICK_MS, tmp_path / "before.pcap")))


def test_the_document_is_what_the_schema_says(network: Path):
    """The JSON of a run validates against the committed schema, also after a round through text."""
    schema = json.loads(files("sekisho.schema").joinpath("analysis.schema.json").read_text(encoding="utf-8"))
    validate(json.loads(json.dumps(document(network))), schema)
