"""Links and coverage on the page, and the sentences that the table shares with it."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.impact.missing import Missing
from sekisho.web.report import ReportSeries, render
from sekisho.web.report.links import LINKS_SHOWN, SPANS_SAID, coverage_alarms, link_views


def link(name: str = "bng-1/0", **changes: Any) -> dict[str, Any]:
    load = {"peak_bps": 1.15e9, "peak_pps": 1e5, "peak_at": "2026-11-01T11:02:40.000Z", "p95_bps": 1.13e9}
    values = {
        "name": name,
        "kind": "nte",
        "direction": "outbound",
        "measured": "counters_and_flows",
        "capacity_bps": 1e9,
        "capacity_pps": None,
        "capacity_sessions": None,
        "mark": 0.8,
        "lines": 204,
        "missing": [],
        "load": load | {"p95_pps": 9e4},
        "load_without": load | {"peak_bps": 307e6, "p95_bps": 259e6, "p95_pps": 3e4},
        "above_mark": {
            "minutes": 2,
            "minutes_without": 0,
            "spans": [{"first": "2026-11-01T11:01:00.000Z", "last": "2026-11-01T11:03:00.000Z"}],
        },
        "abuse": {
            "lines": 3,
            "other_lines": 201,
            "during": "above_mark",
            "share": 0.7512,
            "share_interval_95": [0.7491, 0.7538],
            "events": [{"event": "E1", "lines": 2, "share": 0.5}, {"event": None, "lines": 1, "share": 0.2512}],
        },
        "attempts": {"octets": 0},
        "others_slowed": {"answer": "not_seen", "by": None},
        "series": {
            "start": "2026-11-01T11:00:00.000Z",
            "interval_ms": 10_000,
            "load_bps": [2e8, None, 1.15e9],
            "abuse_bps": [0.0, None, 8.5e8],
        },
        "peak_sessions": None,
    }
    return values | changes


NOT_MEASURED = dict.fromkeys(("load", "load_without", "above_mark", "abuse", "attempts", "others_slowed", "series"))
COVERAGE = {"exporter": "192.0.2.1", "interface": 10, "direction": "in", "intervals": 9}


def facts(entry: dict[str, Any], lang: str = "en") -> str:
    (view,) = link_views({"links": [entry]})
    lines = [f"{label.text(lang)}: {value.text(lang)}" for label, value in view.facts]
    return "\n".join([view.title.text(lang), *lines, *(what.text(lang) for what in view.missing)]).replace(
        "\u00a0", " "
    )


def page(*links: dict[str, Any], coverage: Any = ()) -> str:
    given = dict.fromkeys(("datagrams", "records", "records_lost", "late"), 0)
    given |= {"undecodable": {}, "unattributed": {}, "first": None, "last": None}
    document = {"input": given, "detections": [], "unattributed_detections": [], "events": []}
    return render(document | {"impact": {"links": list(links), "coverage": list(coverage)}}, ReportSeries())


def test_share_minutes_and_others_are_said_in_both_languages():
    """What the network engineer asks of a full link, with the interval of the share and both clocks."""
    english, japanese = facts(link()), facts(link(), "ja")
    for said in (
        "bng-1/0 (network termination, 1.00 Gbit/s)",
        "75.1 %, 95 % interval 74.9 %–75.4 % (while above the mark), 3 lines",
        "above 80% of capacity: 2 min (20:01:00–20:03:00 JST, 11:01:00–11:03:00 UTC), 0 min without them",
        "without them: peak 307 Mbit/s",
        "201 on this link; nothing shows that they were slowed",
        "E1: 2 lines 50.0 %",
    ):
        assert said in english
    for said in ("網終端装置", "75.1 %、95 % 区間 74.9 %–75.4 %", "2 分間", "201 回線", "単独: 1 回線"):
        assert said in japanese


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("what", list(Missing))
def test_whatever_is_missing_has_words(what: Missing, lang: str):
    """A link of which nothing is known shows no number, and why."""
    said = facts(link(measured=None, missing=[what.value], **NOT_MEASURED), lang)
    assert what.value not in said
    assert "bit/s" not in said.split("\n", 1)[1]


def test_every_answer_about_others_has_words():
    """Slowed, by what it is told, or not."""
    answers = [{"answer": "yes", "by": by} for by in ("discards", "queue_drops", "loss", "rtt")]
    answers += [{"answer": answer, "by": None} for answer in ("not_seen", "not_measured")]
    assert len({facts(link(others_slowed=answer)) for answer in answers}) == len(answers)


def test_full_links_stand_first_and_the_rest_are_counted():
    """A page of thousands of links would be of no use."""
    quiet = {"minutes": 0, "minutes_without": 0, "spans": []}
    many = [link(f"q{k}", above_mark=quiet) for k in range(LINKS_SHOWN + 4)]
    html = page(*many, link("full"))
    assert html.index("full (") < html.index("q0 (")
    assert html.count('<article id="link') == LINKS_SHOWN
    assert "5 further links" in html


def test_many_spans_are_cut_short():
    """The document has them all."""
    spans = link()["above_mark"]["spans"] * (SPANS_SAID + 1)
    said = facts(link(above_mark={"minutes": 8, "minutes_without": 1, "spans": spans}))
    assert said.count("11:01:00") == SPANS_SAID
    assert "and more" in said


def test_a_plot_has_gaps_where_nothing_was_measured_and_the_capacity_where_it_is_near():
    """A line for a capacity ten times the load would press it flat."""
    near, far = page(link()), page(link(capacity_bps=1e10))
    assert near.count("stroke-dasharray") > far.count("stroke-dasharray")
    assert "nan" not in near
    empty = link()["series"] | {"load_bps": [None, None, None], "abuse_bps": [None, None, None]}
    assert "<svg" in page(link(series=empty))


def test_names_of_links_cannot_become_markup():
    """They come from a file."""
    assert "<script" not in page(link('"><script>'))


def test_coverage_is_shown_and_its_alarm_said():
    """Which interface, which way, how much; too little to tell is not a number."""
    rows = [
        COVERAGE | {"coverage": 0.41, "alarm": True},
        COVERAGE | {"interface": 11, "coverage": None, "alarm": False},
    ]
    (alarm,) = coverage_alarms({"coverage": rows})
    assert "192.0.2.1 ifIndex 10 (in): flows account for 41.0" in alarm.text("en")
    html = page(coverage=rows)
    assert "<strong>41.0" in html
    assert "too little to tell" in html


def test_without_links_there_is_no_section():
    """Nothing configured is nothing said."""
    assert "What it costs the network" not in page()
