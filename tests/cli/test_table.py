"""The table of ``analyze``: fits 80 columns, says the same in both languages, shows hostile names as they are."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from sekisho.cli.table import TEXTS, show
from sekisho.pipeline.analysis import Analysis
from sekisho.web.report.texts import texts as report_texts

DETECTION = {
    "line_id": "L000123",
    "subject": "line",
    "source": "192.0.2.17",
    "kind": "tcp_syn_flood",
    "level": "act",
    "first_seen": "2026-11-24T03:00:00.000Z",
    "last_seen": "2026-11-24T03:05:00.000Z",
    "peak_pps": 45321.4,
    "peak_pps_interval_95": [43999.0, 46888.0],
    "peak_bps": 231_000_000.0,
    "targets": 3,
    "top_targets": [{"prefix": "203.0.113.0/24", "port": 443, "protocol": 6, "share": 0.97}],
    "evidence": {"caps": []},
}


EVENT = {
    "target": "2001:db8:f000::/48",
    "port": 65_535,
    "protocol": 17,
    "lines": 12_345,
    "peak_pps": 160_000.0,
    "peak_bps": 799e6,
    "first_seen": "2026-11-24T03:00:00.000Z",
    "last_seen": "2026-11-24T03:05:00.000Z",
}
SENDER = {
    "source": "2001:db8:1234:5678::/64",
    "kind": "gre_flood",
    "reason": "needs_port",
    "candidate_lines": 64,
    "peak_pps": 8123.4,
}


def shown(lang: str, *detections: dict[str, Any], unattributed: int = 9) -> str:
    data = {
        "records": 1_234_567,
        "datagrams": 45_678,
        "records_lost": 1,
        "late": 0,
        "undecodable": {"not_udp": 2},
        "unattributed": {"not_ours": unattributed},
        "first": "2026-11-24T02:59:00.000Z",
        "last": "2026-11-24T03:19:00.000Z",
    }
    out = io.StringIO()
    document = {"input": data, "detections": list(detections), "events": [EVENT], "unattributed_detections": [SENDER]}
    analysis = Analysis(document=document, series=None, remarks=())
    show(analysis, lang=lang, console=Console(file=out, width=80, highlight=False))
    return out.getvalue()


def test_both_languages_have_the_same_texts():
    """Every text stands in both languages."""
    assert TEXTS["ja"].keys() == TEXTS["en"].keys()


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_no_line_is_wider_than_80_columns(lang: str):
    """Full-width characters count twice, as a terminal shows them."""
    assert max(cell_len(line) for line in shown(lang, DETECTION).splitlines()) <= 80


@pytest.mark.parametrize(("lang", "expected"), [("ja", "TCP SYN フラッド"), ("en", "TCP SYN flood")])
def test_a_detection_says_what_how_much_since_when_and_where_to(lang: str, expected: str):
    """Kind, rate with its interval, start in JST, target with its share."""
    text = shown(lang, DETECTION)
    for part in (expected, "45.3k (44k-46.9k)", "231M", "11-24 12:00:00", "203.0.113.0/24 TCP/443 (97%)"):
        assert part in text


def test_a_capped_detection_says_why():
    """``watch`` names its reason."""
    watch = DETECTION | {"level": "watch", "evidence": {"caps": ["sampling_unknown"]}}
    assert report_texts()["cap_sampling_unknown"]["en"] in shown("en", watch)


def test_markup_in_a_line_id_is_text():
    """A line's name is shown as it is written."""
    assert "[red]x" in shown("en", DETECTION | {"line_id": "[red]x"})


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_nothing_found_is_said(lang: str):
    """An empty table would leave the reader in doubt."""
    assert TEXTS[lang]["none"] in shown(lang)


@pytest.mark.parametrize(
    ("lang", "lines", "candidates"), [("ja", "12345 回線", "候補の回線 64"), ("en", "12345 lines", "be: 64")]
)
def test_events_and_senders_without_a_line_are_listed(lang: str, lines: str, candidates: str):
    """One target of many lines, and what was seen of somebody whose line cannot be known."""
    text = shown(lang, DETECTION)
    assert all(part in text for part in ("2001:db8:f000::/48 UDP/65535", lines, "160k", "799M"))
    assert all(part in text for part in ("2001:db8:1234:5678::/64", "8.12k", candidates))


def test_forged_sources_name_the_interface():
    """No line is named; the exporter and its interface are."""
    forged = DETECTION | {
        "line_id": "",
        "subject": "interface",
        "kind": "spoofed_source",
        "source": "192.0.2.1 ge-0/0/1",
    }
    assert "interface 192.0.2.1 ge-0/0/1" in shown("en", forged)
    assert "of the lines" not in shown("en", forged)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_where_no_record_has_a_line_silence_is_no_verdict(lang: str):
    """Without assignments nothing is judged, and the table does not say that nothing was found."""
    text = shown(lang, unattributed=1_234_567)
    assert TEXTS[lang]["blind"] in text
    assert TEXTS[lang]["none"] not in text
