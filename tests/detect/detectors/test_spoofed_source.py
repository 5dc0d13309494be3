"""Spoofed source: what opens it, what caps it, and that it is about interfaces alone."""

from __future__ import annotations

import pytest

from detect.engine import engine
from detect.rows import ask, target, window
from detect.traffic import Traffic
from sekisho.detect.detect import Detect
from sekisho.detect.detectors.spoofed_source import DETECTOR, PARAMS, explain
from sekisho.detect.level import FORGED_SOURCES, LineInfo
from sekisho.schema.detection import Cap, Level

INTERFACE, ADDRESS = -5, -(1 << 61) - 5


def forged(packets: float, *, sampling: int = 100):
    sampled = packets / sampling
    each = {"packets": packets, "octets": packets * 500, "sampled_packets": sampled}
    return [window(**each, packets_var=sampled * sampling * (sampling - 1))], [
        target("198.51.100.7", 80, protocol=17, **each)
    ]


@pytest.mark.parametrize(("over", "opens"), [(-1, False), (0, True), (1, True)])
def test_it_opens_at_the_threshold(over: int, opens: bool):
    """One packet a window decides."""
    found = ask(DETECTOR, *forged(10 * PARAMS["home"].pps_10s + over))
    assert [row.opens for row in found] == [opens]


@pytest.mark.parametrize(("sampled", "count"), [(19, 0), (20, 1)])
def test_it_rests_on_twenty_sampled_packets(sampled: int, count: int):
    """At 1:4096 the same rate may be three packets, of which nothing can be said."""
    packets = 10 * PARAMS["home"].pps_10s
    assert len(ask(DETECTOR, *forged(packets, sampling=packets / sampled))) == count


@pytest.mark.parametrize(
    ("sources", "level", "caps"),
    [(FORGED_SOURCES, Level.ACT, ()), (FORGED_SOURCES - 1, Level.WATCH, (Cap.FEW_SOURCES,))],
)
def test_few_sources_are_for_a_person_to_look_at(sources: int, level: Level, caps: tuple[Cap, ...]):
    """A second provider's addresses leak from few networks; forged ones come from everywhere."""
    detect = Detect(engine=engine(), line_info=lambda _: LineInfo(sources=sources))
    traffic = Traffic(sampling=100).spray(["203.0.113.5"], range(1, 60_000), line=INTERFACE, pps=9000, octets=600)
    (found,) = traffic.judge(detect=detect)
    assert (found.kind, found.subject, found.level, found.caps) == ("spoofed_source", "interface", level, caps)


def test_an_address_without_a_line_is_judged_like_a_line():
    """The flood of an unattributed address has its own kind, not the interface's."""
    traffic = Traffic(sampling=100).spray(["203.0.113.5"], range(1, 60_000), line=ADDRESS, pps=9000, octets=600)
    (found,) = traffic.judge()
    assert (found.kind, found.subject, found.line) == ("udp_flood", "line", ADDRESS)


def test_the_explanation_says_how_much_and_where_to():
    """In both languages, with the same numbers."""
    row = {"packets": 90_000, "targets": 3}
    assert all("9,000" in explain(row, lang) and "3 " in explain(row, lang) for lang in ("ja", "en"))
