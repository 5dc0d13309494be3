"""The sheet of questions for the maker of one device."""

from __future__ import annotations

from sekisho.checkup.outcomes import Observation, finding
from sekisho.checkup.report.sheet import sheets
from sekisho.measures.order import DeviceKind
from sekisho.measures.report import DeviceReport, Fact, Report

NOW_MS = 1_790_000_000_000


def sheet(*observations: Observation) -> dict[str, str]:
    device = DeviceReport(
        id="d1",
        kind=DeviceKind.CAMERA,
        name="camera",
        addresses=("192.0.2.9",),
        identity={name: Fact(value=name.upper(), source="label", confidence=1.0) for name in ("maker", "model")},
        findings=tuple(finding(o, NOW_MS) for o in observations),
    )
    return sheets(Report(generated_at_ms=NOW_MS, gateway_mac="m", prefix="p", devices=(device,)).to_json())


QUESTIONS = Observation("maker.sheet", {"count": "2", "questions": "ask_firmware, ask_support_end"}, "x")


def test_a_sheet_says_what_the_device_is_what_was_found_and_what_is_asked() -> None:
    """In Japanese, then in English: identity, unknown parts as such, actions by their id, the page, the questions."""
    telnet = Observation("c2.1.telnet", {"port": "23", "service": "23"}, "tcp connect")
    contact = Observation("c3.contact", {"page": "https://maker.example", "date": "2026-09-01"}, "models")
    text = sheet(telnet, contact, QUESTIONS)["d1"]
    japanese, english = text.split("# Questions for the maker")
    assert japanese.startswith("# メーカーへの質問票")
    for part in (japanese, english):
        assert "MODEL" in part
        assert "c2.1.telnet" in part
        assert "https://maker.example" in part
    assert "ファームウェア: 不明" in japanese
    assert "1. What is the newest firmware version" in english
    assert "2. On which date do security updates end?" in english


def test_a_device_without_a_question_has_no_sheet() -> None:
    """There is nothing to ask."""
    assert sheet() == {}
