"""Reports into cases, and cases into reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from cases.documents import MINUTE_MS, NOW_MS, T0_MS, detection, document
from sekisho.cases import signals
from sekisho.cases.database import reading
from sekisho.cases.evidence.xarf import validated
from sekisho.cases.record import record_analysis
from sekisho.cases.work_tables import AUDIT
from sekisho.cli.main import app
from sekisho.core.errors import Refused
from sekisho.core.time import iso

FROM = iso(T0_MS + MINUTE_MS)
"""The line came back on the address a minute after it had begun."""
HELD = [
    {"prefix": "192.0.2.155/32", "realm": "", "port": 1024, "from": FROM, "to": iso(T0_MS + 5 * MINUTE_MS)},
    {"prefix": "100.64.0.1/32", "realm": "cgn", "port": 0},
]
LIST = """source = "list"
category = "scanning"
address = "ip"
observed_at = "time"
port = "port"
zone = "UTC"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    analysis = document(
        detection("L1", "scan", held=HELD),
        detection("L2", "udp_flood", held=HELD[:1]),
        detection("L3", "volume_anomaly"),
        detection("L4", "gre_flood", held=HELD[:1]),
    )
    record_analysis(f"sqlite:///{tmp_path / 'cases.db'}", analysis, now_ms=NOW_MS)
    (tmp_path / "lines.csv").write_text(
        "line_id,prefix,port_first,port_last,valid_from,valid_to\n"
        "L1,192.0.2.155,1024,2047,2026-11-01T00:00:00Z,\nL2,192.0.2.155,2048,4095,2026-11-01T00:00:00Z,\n"
    )
    (tmp_path / "columns.toml").write_text(LIST)
    file = tmp_path / "sekisho.toml"
    file.write_text(
        '[cases]\nurl = "sqlite:///cases.db"\n[files]\nlines = ["lines.csv"]\n[operator]\nname_en = "Example ISP"\n'
    )
    return file


def run(config: Path, *arguments: object):
    return CliRunner().invoke(app, ["reports", *map(str, arguments), "--config", str(config)])


def cases(config: Path, table=signals.SIGNAL):
    with reading(f"sqlite:///{config.parent / 'cases.db'}") as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def test_a_report_is_a_second_signal_of_the_case_that_it_speaks_for(config: Path):
    """Of the line, of a kind that it names, around its time; told twice it is one; the rest is counted."""
    rows = [
        f"192.0.2.155,{iso(T0_MS + 60_000)},1100",
        f"192.0.2.155,{iso(T0_MS + 60_000)},2100",
        f"192.0.2.155,{iso(T0_MS + 3 * 86_400_000)},1100",
        f"192.0.2.155,{iso(T0_MS + 60_000)},0",
    ]
    (config.parent / "list.csv").write_text("\n".join(["ip,time,port", *rows]) + "\n")
    for _ in range(2):
        done = run(config, "read", config.parent / "list.csv", "--columns", config.parent / "columns.toml", "--join")
        assert done.exit_code == 0, done.output
        assert "1 entries speak for 1 open cases, 2 for none, 1 have no certain line" in done.stderr
    (signal,) = cases(config)
    assert (signal["case_id"], signal["source"], signal["detail"]) == (1, "third_party", "list scanning")
    assert [row["action"] for row in cases(config, AUDIT)] == ["report_joined"]


def test_a_case_as_xarf(config: Path):
    """Address, source port, time: of the line's own, or as the flows show; nothing else leaves, and it is on record."""
    more = ("--contact", "abuse@example.jp", "--purpose", "own_network_protection", "--protocol", "6")
    done = run(config, "xarf", 1, "--address", "192.0.2.155", *more)
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert validated(report) == report
    assert (report["source_identifier"], report["source_port"]) == ("192.0.2.155", 1024)
    assert report["first_seen"] == FROM, "while the address was the line's"
    assert report["reporter"] == {"org": "Example ISP", "contact": "abuse@example.jp", "domain": "example.jp"}
    assert "203.0.113" not in done.stdout, "a destination"
    shown = json.loads(run(config, "xarf", 2, "--port", 3000, *more).stdout)
    assert (shown["source_port"], shown["attack_vector"]) == (3000, "udp_flood")
    (first, second) = cases(config, AUDIT)
    assert (first["action"], first["case_id"], second["case_id"]) == ("xarf", 1, 2)


@pytest.mark.parametrize(
    ("number", "more", "why"),
    [
        (1, (), "name one with --address; the line held 100.64.0.1/32, 192.0.2.155/32"),
        (1, ("--address", "100.64.0.1"), "without its source port"),
        (1, ("--address", "198.51.100.1"), "name one with --address"),
        (3, (), "XARF has no report for gre_flood"),
    ],
)
def test_what_names_nobody_is_not_reported(config: Path, number: int, more: tuple[str, ...], why: str):
    """Several addresses, another's, no port, no word for the kind: refused, and nothing is on record as told."""
    done = run(config, "xarf", number, "--contact", "a@example.jp", "--purpose", "own_network_protection", *more)
    assert isinstance(done.exception, Refused)
    assert why in str(done.exception)
    assert not cases(config, AUDIT)
