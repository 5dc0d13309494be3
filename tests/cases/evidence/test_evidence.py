"""Reports tied to lines, and reports that leave us."""

from __future__ import annotations

import csv
import json
from ipaddress import ip_address

import pytest
from typer.testing import CliRunner

from cases.evidence.test_reading import REPORT
from sekisho.attribution.attributor import Attributor
from sekisho.cases.evidence.categories import Category
from sekisho.cases.evidence.model import Entry, attribute
from sekisho.cases.evidence.outgoing import TYPES, Contact, Seen, redacted, xarf_of
from sekisho.cases.evidence.xarf import validated
from sekisho.cli.main import app
from sekisho.core.config import Network
from sekisho.core.errors import Refused
from sekisho.core.reasons import UnattributedReason
from sekisho.core.time import parse_time
from sekisho.detect.registry import DETECTORS

ASSIGNMENTS = """line_id,prefix,port_first,port_last,valid_from,valid_to
L1,192.0.2.155,1024,40000,2026-11-01T00:00:00Z,
L2,192.0.2.155,40001,50000,2026-11-01T00:00:00Z,2026-11-24T09:00:00Z
L3,192.0.2.155,40001,50000,2026-11-24T09:00:00Z,
"""
AT_MS = parse_time(REPORT["timestamp"])


@pytest.fixture
def assignments(tmp_path):
    path = tmp_path / "assignments.csv"
    path.write_text(ASSIGNMENTS, encoding="utf-8")
    return path


def entry(**changed):
    values = {
        "source": "list",
        "category": Category.INFECTED,
        "observed_at_ms": AT_MS,
        "address": ip_address("192.0.2.155"),
        "port": 40001,
        "protocol": 6,
        "says": "",
    }
    return Entry(**values | changed)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "L3"),
        ({"port": 40000}, "L1"),
        ({"protocol": None}, "L3"),
        ({"observed_at_ms": parse_time("2026-11-24T08:00:00Z")}, "L2"),
        ({"observed_at_ms": parse_time("2026-11-24T09:00:01Z")}, UnattributedReason.CLOCK_MARGIN),
        ({"port": 0}, UnattributedReason.NEEDS_PORT),
        ({"protocol": 1}, UnattributedReason.NEEDS_PORT),
        ({"protocol": 47}, UnattributedReason.NEEDS_PORT),
        ({"port": 80}, UnattributedReason.PORT_OUTSIDE_SET),
        ({"address": ip_address("198.51.100.1")}, UnattributedReason.NOT_OURS),
    ],
)
def test_address_port_and_time_name_the_line(assignments, changed, expected):
    """The line is that of address, port and time; without a usable port, and at a change of holder, there is none."""
    attributor = Attributor.load(lines=[assignments], map_e=None, network=Network(), realms=[""])
    attributor.start()
    (evidence,) = attribute([entry(**changed)], attributor)
    found = evidence.to_json()
    wanted = (None, expected.label) if isinstance(expected, UnattributedReason) else (expected, None)
    assert (found["line_id"], found["unattributed"]) == wanted


def test_categories_name_kinds_that_exist():
    """What a category speaks for is a kind of ours, so that a report can be the second signal for it."""
    known = {kind for detector in DETECTORS for kind in detector.kinds}
    assert {kind for category in Category for kind in category.kinds} <= known


def run(*arguments):
    return CliRunner().invoke(app, ["reports", "read", *map(str, arguments)])


def test_command(tmp_path, assignments):
    """One unusable file is told and makes the exit status 2; the other one's line is printed all the same."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(REPORT), encoding="utf-8")
    bad.write_text("{}", encoding="utf-8")
    table = run(good, "--lines", assignments)
    assert table.exit_code == 0
    assert "L3" in table.stdout
    both = run(bad, good, "--lines", assignments, "--format", "json")
    assert both.exit_code == 2
    assert "bad.json" in both.stderr
    (found,) = json.loads(both.stdout)["entries"]
    assert (found["line_id"], found["category"], found["kinds"]) == ("L3", "infected", ["c2_contact"])


def test_what_only_a_partner_knows_is_asked(tmp_path, assignments):
    """An address of a partner's prefix without an assignment is held by the partner, and the query asks for it."""
    config, report, query = tmp_path / "sekisho.toml", tmp_path / "report.json", tmp_path / "query.csv"
    config.write_text('[[partner]]\nname = "VNE"\nprefixes = ["203.0.113.0/24"]\n', encoding="utf-8")
    report.write_text(json.dumps(REPORT | {"source_identifier": "203.0.113.9"}), encoding="utf-8")
    result = run(report, "--lines", assignments, "--config", config, "--partner-query", query, "--format", "json")
    (found,) = json.loads(result.stdout)["entries"]
    assert found["unattributed"] == "held_by_partner"
    (row,) = csv.DictReader(query.read_text(encoding="utf-8").splitlines())
    assert (row["address"], row["port"], row["time_utc"]) == ("203.0.113.9", "40001", "2026-11-24T09:21:23.000Z")


WHO = Contact(org="Example ISP", contact="abuse@example.net", domain="example.net")


def seen(**changed):
    values = {
        "kind": "udp_flood",
        "address": ip_address("192.0.2.155"),
        "port": 40001,
        "protocol": 17,
        "first_seen_ms": AT_MS,
        "last_seen_ms": AT_MS + 90_500,
        "peak_pps": 12_000.4,
        "peak_bps": 9.6e7,
        "confidence": 0.9,
    }
    return Seen(**values | changed)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_outgoing_reports_are_valid(kind):
    """Every kind that XARF has a word for gives a valid report with its port, twice the same."""
    report = xarf_of(seen(kind=kind, protocol=6), reporter=WHO)
    assert validated(report) == report
    assert report["source_port"] == 40001
    assert report == xarf_of(seen(kind=kind, protocol=6), reporter=WHO)
    assert not any("destination" in name for name in report)


@pytest.mark.parametrize("changed", [{"port": 0}, {"kind": "volume_anomaly"}, {"protocol": 47}])
def test_what_is_not_reported(changed):
    """No port, no word for the kind or for the protocol: nothing is sent."""
    with pytest.raises(Refused):
        xarf_of(seen(**changed), reporter=WHO)


def test_what_leaves_us_is_redacted():
    """Internal notes, evidence, destinations, free text and tags stay; a report without its port does not leave."""
    extra = {
        "_internal": {"ticket": "1"},
        "evidence": [{"content_type": "text/plain", "payload": "eA=="}],
        "destination_ip": "203.0.113.9",
        "description": "said on the telephone",
        "tags": ["malware:mirai"],
    }
    assert redacted(REPORT | extra) == REPORT
    with pytest.raises(Refused, match="source port"):
        redacted({name: value for name, value in REPORT.items() if name != "source_port"})
    with pytest.raises(Refused, match="no valid XARF"):
        redacted(REPORT | {"type": "weather"})
