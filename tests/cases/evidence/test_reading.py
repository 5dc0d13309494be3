"""Third parties' reports: the independent samples, lists with a map of columns, mails, and what is not well."""

from __future__ import annotations

import json
from datetime import timedelta
from email.message import EmailMessage
from ipaddress import ip_address

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.cases.evidence.categories import Category
from sekisho.cases.evidence.columns import Columns, load_columns, read_rows
from sekisho.cases.evidence.forms import ReportForm
from sekisho.cases.evidence.model import MAX_SAYS, Entry
from sekisho.cases.evidence.reading import read_report
from sekisho.cases.evidence.xarf import read_xarf
from sekisho.core.errors import ConfigError, InputError
from sekisho.core.reasons import ReportReason
from sekisho.core.time import JST, parse_time
from shared_data import shared

ADDRESSLESS = "sandbox_dns.csv"
CATEGORIES = {
    "event6_sinkhole_http.csv": Category.INFECTED,
    "special.csv": Category.INFECTED,
    "scan_dns.csv": Category.OPEN_SERVICE,
    "scan_http_vulnerable.csv": Category.VULNERABLE,
    "compromised_website.csv": Category.COMPROMISED,
    "blocklist.csv": Category.LISTED,
}


def test_every_shadowserver_sample_is_read():
    """Every sample gives its rows; the one report that names no address of ours is refused as empty."""
    files = sorted(shared("reports/shadowserver").glob("*.csv"))
    assert len(files) > 70
    for file in files:
        if file.name == ADDRESSLESS:
            with pytest.raises(InputError, match="none"):
                read_report(file, form=ReportForm.SHADOWSERVER)
            continue
        parsed = read_report(file)
        assert parsed.entries, file.name
        assert set(parsed.dropped) <= {ReportReason.NOT_ONE_ADDRESS}, file.name
        assert parsed.entries[0].category is CATEGORIES.get(file.name, parsed.entries[0].category)


def test_a_shadowserver_row():
    """Timestamps are UTC; a sinkhole's row names our side's address and port, not the sinkhole's."""
    scan = read_report(shared("reports/shadowserver/scan_telnet.csv")).entries[0]
    assert scan.observed_at_ms == parse_time("2019-09-04T12:27:34Z")
    assert (str(scan.address), scan.port, scan.protocol) == ("198.123.245.145", 5678, 6)
    row = read_report(shared("reports/shadowserver/event6_sinkhole_http.csv")).entries[0]
    assert row.address.version == 6
    assert row.port > 1024
    assert "sinkhole" in row.source


def test_xarf_samples():
    """Every sample whose source is an address is read, the others are told as such; none is against the schema."""
    for file in sorted(shared("reports/xarf/samples/v4").glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        parsed = read_xarf(file.read_bytes())
        try:
            address = ip_address(document["source_identifier"])
        except ValueError:
            assert parsed.dropped == {ReportReason.NO_ADDRESS: 1}
            continue
        (entry,) = parsed.entries
        assert entry.address == address
        assert entry.observed_at_ms == parse_time(document["timestamp"])
        assert entry.port == document.get("source_port", 0)
    old = read_xarf(shared("reports/xarf/samples/v3/ddos_v3_sample.json").read_bytes()).entries[0]
    assert (old.category, old.port, old.protocol) == (Category.FLOOD, 53, 17)


REPORT = {
    "xarf_version": "4.2.0",
    "report_id": "9ac39cd1-85f3-4c31-ae87-a0a95f3ebc83",
    "timestamp": "2026-11-24T09:21:23Z",
    "reporter": {"org": "Example CERT", "contact": "cert@example.org", "domain": "example.org"},
    "sender": {"org": "Example CERT", "contact": "cert@example.org", "domain": "example.org"},
    "source_identifier": "192.0.2.155",
    "source_port": 40001,
    "category": "infrastructure",
    "type": "botnet",
    "compromise_evidence": "contact with a sinkhole",
    "malware_family": "Mirai",
}


def written(tmp_path, content, name="report.json"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("text", [json.dumps([REPORT] * 2), f"{json.dumps(REPORT)}\n{json.dumps(REPORT)}\n"])
def test_several_reports_of_one_file(tmp_path, text):
    """A list and one report a line are both read."""
    entries = read_report(written(tmp_path, text)).entries
    assert [entry.category for entry in entries] == [Category.INFECTED] * 2
    assert "Mirai" in entries[0].says


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps(REPORT)[:-20], ReportReason.TRUNCATED),
        ('{"xarf_version": nothing}', ReportReason.MALFORMED),
        ("[" * 100_000 + "]", ReportReason.MALFORMED),
        ('{"incident": 1}', ReportReason.UNKNOWN_SHAPE),
        (json.dumps(REPORT | {"category": "weather"}), ReportReason.INVALID),
        (json.dumps(REPORT | {"source_port": 0}), ReportReason.INVALID),
        (json.dumps(REPORT | {"source_identifier": "host.example.org"}), ReportReason.NO_ADDRESS),
        (json.dumps(REPORT | {"timestamp": "2026-11-24T09:21:23"}), ReportReason.NO_TIME),
        ('{"Version": "3.0.0", "Report": {}}', ReportReason.INVALID),
    ],
)
def test_documents_that_are_not_used_are_counted(tmp_path, text, reason):
    """Each has its reason, the good report beside it is read, and alone it makes the file an error."""
    assert read_xarf(text.encode()).dropped == {reason: 1}
    with pytest.raises(InputError, match=reason.value):
        read_report(written(tmp_path, text), form=ReportForm.XARF)
    if reason not in {ReportReason.TRUNCATED, ReportReason.MALFORMED}:
        assert len(read_xarf(f"[{text},{json.dumps(REPORT)}]".encode()).entries) == 1


def test_a_mail_with_attachments(tmp_path):
    """Reports are read out of a mail, also of one that was forwarded; a picture is counted, the letter is not."""
    inner = EmailMessage()
    inner["From"] = "cert@example.org"
    inner.set_content("see attachment")
    inner.add_attachment(json.dumps(REPORT).encode(), maintype="application", subtype="json", filename="xarf.json")
    inner.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="logo.png")
    outer = EmailMessage()
    outer["From"] = "abuse@example.net"
    outer.set_content("forwarded")
    outer.add_attachment(inner)
    parsed = read_report(written(tmp_path, outer.as_bytes(), "report.eml"))
    assert [entry.source for entry in parsed.entries] == ["Example CERT"]
    assert parsed.dropped == {ReportReason.UNKNOWN_SHAPE: 1}


def test_a_mail_without_a_report(tmp_path):
    """A mail that carries no report is an error and not a quiet nothing."""
    mail = EmailMessage()
    mail["From"] = "cert@example.org"
    mail.set_content("nothing today")
    with pytest.raises(InputError, match="at least one entry"):
        read_report(written(tmp_path, mail.as_bytes(), "report.eml"))


MAP = """
source = "NOTICE"
category = "vulnerable"
address = "IPアドレス"
observed_at = "検知日時"
zone = "JST"
port = "ポート"
says = ["内容"]
encoding = "cp932"
"""
LIST = "検知日時,IPアドレス,ポート,内容\n2026/11/24 09:00:00,192.0.2.7,23,telnet\n"


def test_a_list_by_its_map(tmp_path):
    """A list in Japanese, from a spreadsheet, in JST: the time is nine hours before its UTC reading."""
    columns = load_columns(written(tmp_path, MAP, "columns.toml"))
    (entry,) = read_report(written(tmp_path, LIST.encode("cp932"), "list.csv"), columns=columns).entries
    assert entry == Entry(
        source="NOTICE",
        category=Category.VULNERABLE,
        observed_at_ms=parse_time("2026-11-24T00:00:00Z"),
        address=ip_address("192.0.2.7"),
        port=23,
        protocol=None,
        says="telnet",
    )


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ('zone = "JST"\n', "zone"),
        ('source = "NOTICE"\n', "source"),
        ('"vulnerable"', "category"),
        ('"cp932"', "encoding"),
    ],
)
def test_a_map_that_is_wrong(tmp_path, changed, key):
    """A zone is mandatory; a missing key, an unknown category and encoding are errors that name the key."""
    text = MAP.replace(changed, "" if changed.endswith("\n") else '"x-unknown"')
    with pytest.raises(ConfigError, match=key):
        load_columns(written(tmp_path, text, "columns.toml"))


@pytest.mark.parametrize("zone", ["UTC", "JST", "+09:00", "Asia/Tokyo"])
def test_zones(tmp_path, zone):
    """Names, offsets and the two abbreviations that everybody in Japan writes."""
    columns = load_columns(written(tmp_path, MAP.replace('"JST"', f'"{zone}"'), "columns.toml"))
    (entry,) = read_rows(LIST.encode("cp932"), columns).entries
    expected = "2026-11-24T09:00:00Z" if zone == "UTC" else "2026-11-24T00:00:00Z"
    assert entry.observed_at_ms == parse_time(expected)


@pytest.mark.parametrize("zone", ["Mars/Base", "+99:00", "JAPAN TIME"])
def test_a_zone_that_is_none(tmp_path, zone):
    """A zone that nobody knows is an error at start."""
    with pytest.raises(ConfigError, match="zone"):
        load_columns(written(tmp_path, MAP.replace('"JST"', f'"{zone}"'), "columns.toml"))


COLUMNS = Columns(
    source="list",
    category=Category.OTHER,
    address=("ip",),
    observed_at=("time",),
    zone=JST,
    port=("port",),
    protocol=("protocol",),
    says=("says",),
)
HEAD = "time,ip,port,protocol,says\n"
GOOD = "2026-11-24 09:00:00,192.0.2.7,23,tcp,telnet\n"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-11-24 09:00:00,,23,tcp,x\n", ReportReason.NO_ADDRESS),
        ("2026-11-24 09:00:00,host.example,23,tcp,x\n", ReportReason.NO_ADDRESS),
        ("2026-11-24 09:00:00,192.0.2.0/24,23,tcp,x\n", ReportReason.NOT_ONE_ADDRESS),
        ("yesterday,192.0.2.7,23,tcp,x\n", ReportReason.NO_TIME),
        (",192.0.2.7,23,tcp,x\n", ReportReason.NO_TIME),
        ("2026-11-24 09:00:00,192.0.2.7,99999,tcp,x\n", ReportReason.MALFORMED),
        ("2026-11-24 09:00:00,192.0.2.7,23,telepathy,x\n", ReportReason.MALFORMED),
        ("2026-11-24 09:00:00,192.0.2.7,23,tcp,x,more\n", ReportReason.MALFORMED),
        (f"2026-11-24 09:00:00,192.0.2.7,23,tcp,{'y' * 200_000}\n", ReportReason.MALFORMED),
    ],
)
def test_rows_that_are_not_used_are_counted(row, reason):
    """Each has its reason, and the row behind it is read."""
    parsed = read_rows((HEAD + row + GOOD).encode(), COLUMNS)
    assert parsed.dropped == {reason: 1}
    assert [entry.port for entry in parsed.entries] == [23]


def test_a_list_that_breaks_off():
    """The last row of a file that ends in the middle is not read: its port may be half a port."""
    parsed = read_rows((HEAD + GOOD + "2026-11-24 09:00:00,192.0.2.8,80").encode(), COLUMNS)
    assert len(parsed.entries) == 1
    assert parsed.dropped == {ReportReason.TRUNCATED: 1}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=timedelta(seconds=2))
@given(st.binary(max_size=400))
def test_any_octets_are_entries_or_counted(content):
    """Whatever follows a good row or stands alone is read or counted, as a list and as JSON; nothing is raised."""
    parsed = read_rows((HEAD + GOOD).encode() + content, COLUMNS)
    assert parsed.entries
    assert all(len(entry.says) <= MAX_SAYS for entry in parsed.entries)
    read_rows(content, COLUMNS)
    assert not read_xarf(content).entries


def test_a_csv_without_a_map_is_refused(tmp_path):
    """A list of unknown columns is never guessed at."""
    with pytest.raises(InputError, match="unknown_shape"):
        read_report(written(tmp_path, HEAD + GOOD, "list.csv"))
