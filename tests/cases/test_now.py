"""What goes on at this minute; on both databases."""

from __future__ import annotations

from cases.documents import MINUTE_MS, NOW_MS, T0_MS, detection, document, event
from sekisho.cases.database import reading
from sekisho.cases.now import MINUTES, RUNNING_MS, event_now, happening
from sekisho.cases.record import record_analysis

ALSO = {"target": "198.51.100.0/24", "links": ["bng-1/0", "bng-2/1"], "lines": 9, "peak_bps": 1e9}


def test_events_that_run_come_first_then_by_their_peak(database: str) -> None:
    """One that is over and larger stands below; one of the day before is not there."""
    events = [event("E1", start=50, stop=59), event("E2", start=1, stop=20, **ALSO | {"peak_bps": 9e10}),
              event("E3", start=40, stop=58, **ALSO | {"target": "192.0.2.0/24"})]  # fmt: skip
    record_analysis(database, document(events=events), now_ms=NOW_MS)
    with reading(database) as connection:
        now = happening(connection, NOW_MS, most=20)
        assert [e.target for e in now.events] == ["203.0.113.0/24", "192.0.2.0/24", "198.51.100.0/24"]
        assert [e.is_running for e in now.events] == [True, True, False]
        assert (now.running, now.peak_bps) == (2, 9.3e9 + 1e9)
        assert now.links == {"bng-1/0": (2, 146), "bng-2/1": (1, 9)}
        assert [e.target for e in happening(connection, NOW_MS, most=1).events] == ["203.0.113.0/24"]
        assert happening(connection, NOW_MS + 48 * 60 * MINUTE_MS, most=20).events == ()


def test_what_runs_is_added_up(database: str) -> None:
    """Lines of an event through the event, others by themselves; what is over does not count."""
    found = [
        detection("L1", start=50, stop=59, event="E1"),
        detection("L2", "scan", start=50, stop=59, peak_bps=2e6, quality={"loss": 0.25, "coverage": None}),
        detection("L3", start=0, stop=5),
    ]
    record_analysis(database, document(*found, events=[event(start=50, stop=59)]), now_ms=NOW_MS)
    with reading(database) as connection:
        now = happening(connection, NOW_MS, most=20)
    assert (now.lines, now.peak_bps, now.sampled, now.loss) == (2, 9.3e9 + 2e6, 2 * 4532, 0.25)


def test_nothing_is_nothing(database: str) -> None:
    """An empty database is no error."""
    record_analysis(database, document(), now_ms=NOW_MS)
    with reading(database) as connection:
        now = happening(connection, NOW_MS, most=20)
        assert (now.events, now.lines, now.peak_bps, now.links) == ((), 0, 0.0, {})
        assert event_now(connection, 1, NOW_MS) is None


def test_the_trend_counts_lines_minute_by_minute(database: str) -> None:
    """Two episodes that overlap; what was before the hour counts from its first minute on."""
    found = [
        detection("L1", start=-30, stop=10, event="E1"),
        detection("L2", start=5, stop=20, event="E1"),
        detection("L3", start=55, stop=60, event="E1"),
    ]
    record_analysis(database, document(*found, events=[event(start=-30, stop=60)]), now_ms=NOW_MS)
    with reading(database) as connection:
        found_event = event_now(connection, 1, NOW_MS)
    assert found_event is not None
    active = found_event.active
    assert NOW_MS - T0_MS == MINUTES * MINUTE_MS
    assert [active[minute] for minute in (0, 4, 5, 9, 10, 19, 20, 54, 55, 59)] == [1, 1, 2, 2, 1, 1, 0, 0, 1, 1]
    assert found_event.trend == 1


def test_what_was_seen_ten_minutes_ago_is_over(database: str) -> None:
    """At the limit, and one millisecond before it."""
    record_analysis(database, document(events=[event(start=0, stop=5)]), now_ms=NOW_MS)
    ended_ms = T0_MS + 5 * MINUTE_MS
    with reading(database) as connection:
        for now_ms, runs in ((ended_ms + RUNNING_MS - 1, True), (ended_ms + RUNNING_MS, False)):
            found = event_now(connection, 1, now_ms)
            assert found is not None
            assert found.is_running is runs
