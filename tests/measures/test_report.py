"""The check-up report as data."""

from __future__ import annotations

import jsonschema
import pytest

from sekisho.measures.model import Language, MeasureId, Reader, Text
from sekisho.measures.order import DeviceKind
from sekisho.measures.report import Comparison, DataSource, DeviceReport, Fact, Finding, Report, Verdict, schema

NOW_MS = 1_790_000_000_000
SENTENCE = Text.of({"ja": "ポート{port}が開いています。", "en": "Port {port} is open."})


def finding(check: str, verdict: Verdict) -> Finding:
    return Finding(
        check=check,
        measure=MeasureId.CONNECTIONS,
        verdict=verdict,
        outcome="open",
        evidence={"port": "23"},
        source="tcp connect",
        at_ms=NOW_MS,
        found=SENTENCE,
        do=SENTENCE,
    )


def device(name: str, *findings: Finding) -> DeviceReport:
    return DeviceReport(
        id=name,
        kind=DeviceKind.CAMERA,
        name=name,
        addresses=("192.0.2.9",),
        identity={"maker": Fact(value="Example", source="label", confidence=1.0)},
        findings=findings,
    )


def report(*devices: DeviceReport) -> Report:
    return Report(
        generated_at_ms=NOW_MS,
        gateway_mac="02:00:00:00:00:01",
        prefix="192.0.2.0/24",
        devices=devices,
        data=(DataSource(name="kev", date="2025-08-25", age_days=400),),
        compared=Comparison(earlier_ms=NOW_MS, closed=("a/c2.1/open",), still_open=(), new=()),
    )


def test_the_json_follows_its_schema_and_carries_both_languages_and_levels() -> None:
    """What is handed to a portal can be read without this program."""
    body = report(device("cam", finding("c2.1", Verdict.ACTION))).to_json()
    jsonschema.Draft202012Validator(schema()).validate(body)
    wording = body["devices"][0]["findings"][0]["found"]
    assert wording == {
        "ja": dict.fromkeys(Reader, "ポート23が開いています。"),
        "en": dict.fromkeys(Reader, "Port 23 is open."),
    }


def test_the_schema_refuses_a_verdict_that_is_not_a_verdict() -> None:
    """Nobody can write "safe" into a report."""
    body = report(device("cam", finding("c2.1", Verdict.OK))).to_json()
    body["devices"][0]["findings"][0]["verdict"] = "SAFE"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(body)


def test_what_to_do_comes_action_first_and_the_worst_device_first() -> None:
    """One list that can be worked through from the top."""
    one, two = finding("c2.1", Verdict.ACTION), finding("c1.1", Verdict.ACTION)
    ask, fine = finding("c2.4", Verdict.ASK), finding("c2.3", Verdict.OK)
    rows = report(device("a", ask, one, fine), device("b", one, two)).to_do()
    assert [(d.id, f.check) for d, f in rows] == [("b", "c2.1"), ("b", "c1.1"), ("a", "c2.1"), ("a", "c2.4")]


def test_finished_means_that_no_action_is_left_and_questions_may_remain() -> None:
    """An ASK does not keep a check-up open for ever; an ACTION does."""
    assert report(device("a", finding("c2.4", Verdict.ASK))).to_json()["finished"] is True
    open_one = report(device("a", finding("c2.1", Verdict.ACTION))).to_json()
    assert open_one["finished"] is False
    assert open_one["not_finished_because"] == ["a/c2.1/open/23"]


def test_texts_render_in_both_languages() -> None:
    """The finding's text takes its evidence as values."""
    f = finding("c2.1", Verdict.ACTION)
    assert f.found.render(Language.EN, **f.evidence) == "Port 23 is open."
