"""The report as a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from sekisho.web.report import ReportSeries, render
from sekisho.web.report.view import DETAILS_SHOWN

START_MS = 1_793_530_800_000
VOID = {"meta", "input", "br", "link", "hr", "img"}


def detection(**changes):
    values = {
        "line_id": "L000032",
        "subject": "line",
        "source": "100.72.0.79",
        "kind": "udp_flood",
        "level": "act",
        "first_seen": "2026-11-01T11:00:40.000Z",
        "last_seen": "2026-11-01T11:02:20.000Z",
        "detected_at": "2026-11-01T11:01:05.000Z",
        "packets": 1_304_025,
        "octets": 834_576_000,
        "peak_pps": 15_000.0,
        "peak_pps_interval_95": [14_240.0, 15_760.0],
        "peak_bps": 76_800_000.0,
        "sampled_packets": 13_040,
        "targets": 1,
        "top_targets": [{"prefix": "203.0.113.0/24", "port": 0, "protocol": 17, "share": 1.0}],
        "event": None,
        "confidence": 0.98,
        "evidence": {"caps": [], "packets": 150_000.0, "mean_octets": 640.0, "targets": 1.0, "two_way": 1.0}
        | {"opens_pps_10s": 1500.0, "opens_pps_60s": 600.0, "opens_lasting_s": 0.0, "opens_packets_an_answer": 100.0},
        "quality": {"loss": 0.0, "coverage": None},
    }
    return values | changes


def document(*detections, **given):
    values = {
        "datagrams": 981,
        "records": 19_277,
        "records_lost": 0,
        "late": 0,
        "undecodable": {},
        "unattributed": {},
        "first": "2026-11-01T11:00:01.000Z",
        "last": "2026-11-01T11:03:01.000Z",
    }
    return {
        "schema": "sekisho.analysis/1",
        "input": values | given,
        "detections": list(detections),
        "unattributed_detections": [],
        "events": [],
        "impact": {},
    }


def series(*keys):
    times = [START_MS + 10_000 * n for n in range(18)]
    flood = [0.0] * 4 + [76.8e6] * 10 + [0.0] * 4
    return ReportSeries(
        times_ms=times, outbound_bps=[200e6 + rate for rate in flood], detected_bps=dict.fromkeys(keys, flood)
    )


class Page(HTMLParser):
    """Checks that elements nest, and collects what the tests ask about."""

    def __init__(self, html):
        super().__init__()
        self.open, self.ids, self.links, self.texts = [], [], [], {"ja": 0, "en": 0}
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        assert len(values) == len(attrs), f"an attribute stands twice in <{tag}>"
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[name] for name in ("href", "src", "action", "data", "poster") if name in values]
        if tag == "span" and values.get("lang") in self.texts:
            self.texts[values["lang"]] += 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


KEY = ("L000032", "udp_flood")
FULL = document(
    detection(),
    detection(line_id="L000007", kind="scan", level="watch", evidence={"caps": ["sampling_unknown"]}),
    detection(kind="x_own", event="E1"),
    unattributed={"needs_port": 17},
    records_lost=12,
) | {
    "unattributed_detections": [
        {
            "source": "100.72.240.9",
            "kind": "udp_flood",
            "reason": "needs_port",
            "candidate_lines": 64,
            "exporter": "192.0.2.2",
            "interface": 10,
            "peak_pps": 900.0,
        }
    ],
    "events": [
        {
            "id": "E1",
            "target": "203.0.113.0/24",
            "port": 443,
            "protocol": 17,
            "first_seen": "2026-11-01T11:00:40.000Z",
            "last_seen": "2026-11-01T11:02:20.000Z",
            "peak_bps": 9e8,
            "peak_pps": 1e5,
            "lines": 3,
            "exporters": [],
            "links": [],
        }
    ],
}


@pytest.fixture(scope="module")
def full():
    return render(FULL, series(KEY), title="exercise")


def test_elements_nest_and_ids_are_unique(full):
    """The page parses: every element is closed in order, no id stands twice, and every inner link has its target."""
    page = Page(full)
    assert len(set(page.ids)) == len(page.ids)
    assert {link for link in page.links if link.startswith("#")} <= {f"#{name}" for name in page.ids}


def test_nothing_comes_from_elsewhere(full):
    """No reference leaves the page, no script, no import, not even a namespace address."""
    assert all(link.startswith("#") for link in Page(full).links)
    assert not re.search(r"https?:|<script|<link|@import|url\((?!#)|javascript:", full)


def test_both_languages_are_there_equally(full):
    """Every text stands in Japanese and in English; the chosen language is shown first."""
    counts = Page(full).texts
    assert counts["ja"] == counts["en"] > 50
    assert re.search(r'id="show-ja" checked', full)
    english = render(FULL, series(KEY), language="en")
    assert re.search(r'id="show-en" checked', english)
    assert '<html lang="en">' in english


def test_numbers_carry_their_uncertainty(full):
    """The peak stands with its 95 % interval, the total volume with its own, the delay in seconds."""
    text = Page(full).text.replace("\u00a0", " ")
    assert "15.0 k (14.2–15.8)" in text
    assert "76.8 Mbit/s" in text
    assert "25 s" in text
    assert "95 % interval 2.48 GB–2.53 GB" in text


def test_both_clocks(full):
    """Times are given in Japan and in UTC."""
    text = Page(full).text
    assert "2026-11-01 20:00:40–20:02:20 JST (11:00:40–11:02:20 UTC)" in text


def test_what_limits_the_verdict_is_said(full):
    """Caps, loss and unattributed records are named in words."""
    text = Page(full).text
    for sentence in ("the sampling rate is not known", "shared address without a port", "records were lost on the way"):
        assert sentence in text


def test_an_operators_own_kind_is_shown_by_its_name(full):
    """A kind the texts do not know is no error."""
    assert "<code>x_own</code>" in full


def test_the_detectors_sentence_stands_in_both_languages(full):
    """What was found and what would have kept it quiet; evidence of another version leaves both out."""
    assert "About 15,000 UDP packets a second of 640 octets" in full
    assert "毎秒約 15,000 個" in full
    assert full.count("It would have stayed quiet below 1,500 packets a second") == full.count("640 octets on average")
    assert "100 パケットに 1 個を超える割合で応答が返っていれば、検知されませんでした。" in full
    assert "Connection requests" not in full


def test_plots_take_their_colours_from_the_page(full):
    """The drawing holds CSS variables instead of colours, and text that can be read and searched."""
    plots = re.findall(r"<svg.*?</svg>", full, flags=re.DOTALL)
    assert len(plots) == 2
    for plot in plots:
        assert "var(--abnormal)" in plot
        assert not re.search(r"#[0-9a-f]{6}", plot)
        assert re.search(r"<text[^>]*>20:0", plot)


@pytest.mark.parametrize(
    "hostile", ['"><script>alert(1)</script>', "<b>&amp;", "' onload='x", "{{ 7*7 }}", "\u202egnp"]
)
def test_hostile_names_are_escaped(hostile):
    """A line id, a source, a title full of markup is text, and the page still parses."""
    given = detection(line_id=hostile, source=hostile, kind="x_k", top_targets=[])
    html = render(document(given), series((hostile, "x_k")), title=hostile)
    page = Page(html)
    assert "script" not in page.open
    assert "<script" not in html
    assert "<b>" not in html
    assert page.text.count(hostile) >= 3


def test_an_empty_analysis_says_so():
    """Without detections, traffic or a single datagram the page says what that means, in both languages."""
    html = render(document(datagrams=0, records=0, first=None, last=None), ReportSeries())
    text = Page(html).text
    assert "No line was found" in text
    assert "見つかりませんでした" in text
    assert "held no flow record" in text
    assert "<svg" not in html


def test_detections_without_traffic_series():
    """With detections but no series the table is there, without plots and without a share."""
    html = render(document(detection()), ReportSeries())
    assert "<svg" not in html
    assert "L000032" in html
    assert "Abnormal share" not in html


def test_many_detections_stay_bounded():
    """Beyond the limit detections stand in the table only, and the page says how many."""
    many = [detection(line_id=f"L{n:06d}") for n in range(DETAILS_SHOWN + 5)]
    html = render(document(*many), ReportSeries())
    assert html.count("<article") == DETAILS_SHOWN
    assert "5 more stand in the table" in html


def test_same_analysis_same_page():
    """Rendering twice gives the same octets."""
    assert render(FULL, series(KEY)) == render(FULL, series(KEY))


@pytest.mark.parametrize(("unattributed", "judged"), [(99, True), (100, False)])
def test_where_no_record_has_a_line_the_page_does_not_say_that_nothing_was_found(unattributed: int, judged: bool):
    """One record of a hundred on a known line is judged; without any, silence says nothing about anybody."""
    html = render(document(records=100, unattributed={"no_assignment": unattributed}), ReportSeries())
    assert ("looked into" in html, "nothing could be judged" in html) == (judged, not judged)
