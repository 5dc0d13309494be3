"""A finished analysis into cases."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from cases.documents import DAY_MS, MINUTE_MS, NOW_MS, T0_MS, content, detection, document, event
from sekisho.cases import record
from sekisho.cases.database import reading, writing
from sekisho.cases.lifecycle import Act, move
from sekisho.cases.model import Case
from sekisho.cases.read import event_extent, find_cases
from sekisho.cases.record import WATCH_PERIOD_MS, CasesResult, record_analysis
from sekisho.cases.states import OPEN, State
from sekisho.cases.tables import CASE
from sekisho.measures.model import MeasureId, MeasureState

PERSON_ACT = Act(actor="desk", purpose="own_network_protection", at_ms=NOW_MS)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'cases.db'}"


def path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def all_cases(url: str) -> list[Case]:
    with reading(url) as connection:
        return sorted(find_cases(connection), key=lambda case: case.number)


def close(url: str, number: int, *, to: State = State.DISMISSED, at_ms: int = NOW_MS, reason: str = "test") -> None:
    act = Act(actor="desk", purpose="own_network_protection", at_ms=at_ms)
    with writing(url) as connection:
        if to is State.RESOLVED:
            move(connection, number, State.OBSERVING, act)
        move(connection, number, to, act, reason=reason)


def test_the_first_act_opens_a_case_with_every_measure_open(url: str) -> None:
    """The case names its line, holds the evidence, and remembers who opened it and for which purpose."""
    assert record_analysis(url, document(detection()), now_ms=NOW_MS) == CasesResult(opened=1)
    (case,) = all_cases(url)
    assert (case.line_id, case.state, case.opened_at_ms, case.predecessor) == ("L1", State.OPEN, NOW_MS, None)
    assert [(p.measure, p.state) for p in case.measures] == [(m, MeasureState.OPEN) for m in MeasureId]
    (step,) = case.history
    assert (step.before, step.after, step.actor, step.purpose) == (None, State.OPEN, record.ACTOR, record.PURPOSE)
    (evidence,) = case.evidence
    assert (evidence.first_seen_ms, evidence.last_seen_ms) == (T0_MS, T0_MS + 5 * MINUTE_MS)
    assert evidence.peak_pps_interval_95 == (43_999.0, 46_888.0)
    assert evidence.coverage is None


@pytest.mark.parametrize(
    "changes",
    [
        {"level": "watch"},
        {"kind": "volume_anomaly"},
        {"kind": "spoofed_source"},
        {"subject": "interface"},
        {"line_id": ""},
    ],
    ids=str,
)
def test_what_is_not_enough_makes_no_case(url: str, changes: dict[str, Any]) -> None:
    """`watch`, an unusual volume, a forged source, an interface: none of them is enough to write to a subscriber."""
    assert record_analysis(url, document(detection(**changes)), now_ms=NOW_MS) == CasesResult()
    assert all_cases(url) == []


def test_an_operators_own_kind_makes_a_case(url: str) -> None:
    """Kinds that this version does not know count, if the operator's policy raised them to `act`."""
    assert record_analysis(url, document(detection(kind="x_own")), now_ms=NOW_MS).opened == 1


def test_the_same_analysis_twice_changes_nothing(url: str) -> None:
    """The database is identical, to the last column, whenever the second run happens."""
    analysis = document(detection(event="E1"), detection(kind="scan"), detection("L2"), events=[event()])
    record_analysis(url, analysis, now_ms=NOW_MS)
    before = content(path(url))
    assert record_analysis(url, analysis, now_ms=NOW_MS + DAY_MS) == CasesResult(unchanged=2)
    assert content(path(url)) == before


def test_a_second_kind_on_a_line_joins_its_case(url: str) -> None:
    """One open case a line: everything that is seen there is evidence in it."""
    record_analysis(url, document(detection()), now_ms=NOW_MS)
    assert record_analysis(url, document(detection(kind="scan", peak_bps=800.0)), now_ms=NOW_MS) == CasesResult(
        updated=1
    )
    (case,) = all_cases(url)
    assert case.kinds == ("udp_flood", "scan")


def test_an_episode_that_ran_on_is_renewed_not_doubled(url: str) -> None:
    """The longer view replaces the shorter one's numbers and keeps the time of the first decision."""
    record_analysis(url, document(detection(stop=5)), now_ms=NOW_MS)
    longer = detection(stop=9, packets=20_000_000, detected_at="2026-11-24T03:01:00.000Z")
    assert record_analysis(url, document(longer), now_ms=NOW_MS) == CasesResult(updated=1)
    ((evidence,),) = (case.evidence for case in all_cases(url))
    assert (evidence.packets, evidence.last_seen_ms) == (20_000_000, T0_MS + 9 * MINUTE_MS)
    assert evidence.detected_at_ms == T0_MS + 20_000


def test_a_capture_that_ends_earlier_takes_nothing_back(url: str) -> None:
    """Reading the first half of a capture after the whole of it leaves the whole."""
    record_analysis(url, document(detection(stop=9)), now_ms=NOW_MS)
    before = content(path(url))
    record_analysis(url, document(detection(stop=5, packets=1)), now_ms=NOW_MS)
    assert content(path(url)) == before


def test_the_same_episode_with_corrected_numbers_is_corrected(url: str) -> None:
    """An operator who mends the sampling rate and analyses again gets the new estimate."""
    record_analysis(url, document(detection()), now_ms=NOW_MS)
    record_analysis(url, document(detection(packets=99)), now_ms=NOW_MS)
    ((evidence,),) = (case.evidence for case in all_cases(url))
    assert evidence.packets == 99


def test_episodes_that_turn_out_to_be_one_become_one(url: str) -> None:
    """What two captures saw as two pieces, a third sees whole."""
    record_analysis(url, document(detection(stop=3), detection(start=6, stop=9)), now_ms=NOW_MS)
    record_analysis(url, document(detection(stop=9, packets=7)), now_ms=NOW_MS)
    ((evidence,),) = (case.evidence for case in all_cases(url))
    assert (evidence.first_seen_ms, evidence.packets) == (T0_MS, 7)


def test_episodes_that_only_touch_stay_two(url: str) -> None:
    """The end of a window is the start of the next: that is no overlap."""
    record_analysis(url, document(detection(stop=5), detection(start=5, stop=9)), now_ms=NOW_MS)
    assert [len(case.evidence) for case in all_cases(url)] == [2]


def test_what_comes_after_a_dismissal_opens_a_case_with_its_predecessor(url: str) -> None:
    """The history of the line stays connected."""
    record_analysis(url, document(detection()), now_ms=NOW_MS)
    close(url, 1, at_ms=T0_MS + 6 * MINUTE_MS)
    assert record_analysis(url, document(detection(start=10, stop=12)), now_ms=NOW_MS) == CasesResult(opened=1)
    first, second = all_cases(url)
    assert (first.state, second.state, second.predecessor) == (State.DISMISSED, State.OPEN, first.number)


def test_what_ended_before_the_closing_joins_the_closed_case(url: str) -> None:
    """A late capture of the time before is evidence of the old case, and opens nothing."""
    record_analysis(url, document(detection()), now_ms=NOW_MS)
    close(url, 1, at_ms=T0_MS + 20 * MINUTE_MS)
    assert record_analysis(url, document(detection(start=10, stop=12)), now_ms=NOW_MS) == CasesResult(updated=1)
    (case,) = all_cases(url)
    assert (case.state, len(case.evidence)) == (State.DISMISSED, 2)


def test_a_replay_across_two_closed_cases_finds_each_its_own(url: str) -> None:
    """Each detection goes back to the case in whose time it ended."""
    analysis = document(detection(stop=5), detection(start=10, stop=15), detection(start=20, stop=25))
    record_analysis(url, document(detection(stop=5)), now_ms=NOW_MS)
    close(url, 1, at_ms=T0_MS + 6 * MINUTE_MS)
    record_analysis(url, document(detection(start=10, stop=15)), now_ms=NOW_MS)
    close(url, 2, at_ms=T0_MS + 16 * MINUTE_MS)
    record_analysis(url, analysis, now_ms=NOW_MS)
    before = content(path(url))
    record_analysis(url, analysis, now_ms=NOW_MS)
    assert content(path(url)) == before
    assert [len(case.evidence) for case in all_cases(url)] == [1, 1, 1]


@pytest.mark.parametrize(("after_ms", "relapses"), [(0, True), (WATCH_PERIOD_MS, True), (WATCH_PERIOD_MS + 1, False)])
def test_what_comes_back_within_the_watch_period_is_a_relapse(url: str, after_ms: int, *, relapses: bool) -> None:
    """A resolved case is the same case again for a month, then a new one with its predecessor."""
    record_analysis(url, document(detection()), now_ms=NOW_MS)
    again = detection(start=100, stop=105)
    close(url, 1, to=State.RESOLVED, at_ms=T0_MS + 105 * MINUTE_MS - after_ms, reason="observed_quiet")
    result = record_analysis(url, document(again), now_ms=NOW_MS)
    cases = all_cases(url)
    if relapses:
        assert result == CasesResult(relapsed=1)
        assert [(c.state, c.closed_at_ms, c.closing) for c in cases] == [(State.RELAPSED, None, None)]
    else:
        assert result == CasesResult(opened=1)
        assert cases[1].predecessor == cases[0].number


def test_the_detections_of_an_event_point_at_it(url: str) -> None:
    """Events keep a number of their own in the database; a document's ids hold for that document only."""
    record_analysis(url, document(detection(event="E9"), events=[event("E9")]), now_ms=NOW_MS)
    ((evidence,),) = (case.evidence for case in all_cases(url))
    assert evidence.event_id == 1
    record_analysis(url, document(events=[event("E1", start=3, stop=20, lines=150)]), now_ms=NOW_MS)
    with reading(url) as connection:
        extent = event_extent(connection, 1)
    assert (extent.lines, extent.kinds, extent.links) == (150, ("udp_flood",), ("bng-1/0",))
    assert (extent.first_seen_ms, extent.last_seen_ms) == (T0_MS, T0_MS + 20 * MINUTE_MS)


def test_events_that_turn_out_to_be_one_keep_their_detections(url: str) -> None:
    """The evidence follows the event that remains."""
    analysis = document(
        detection("L1", stop=2, event="E1"),
        detection("L2", start=6, stop=9, event="E2"),
        events=[event("E1", stop=2), event("E2", start=6, stop=9)],
    )
    record_analysis(url, analysis, now_ms=NOW_MS)
    record_analysis(url, document(events=[event(start=0, stop=9)]), now_ms=NOW_MS)
    assert [evidence.event_id for case in all_cases(url) for evidence in case.evidence] == [1, 1]


def test_a_failure_in_the_middle_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction an analysis: a crash after the first line leaves the database as it was."""
    record_analysis(url, document(detection("L0")), now_ms=NOW_MS)
    before = content(path(url))
    begin, lines = record.begin, []

    def failing(connection: Any, line_id: str, act: Any, **others: Any) -> Any:
        lines.append(line_id)
        if len(lines) == 2:
            raise RuntimeError("killed")
        return begin(connection, line_id, act, **others)

    monkeypatch.setattr(record, "begin", failing)
    with pytest.raises(RuntimeError, match="killed"):
        record_analysis(url, document(detection("L1"), detection("L2")), now_ms=NOW_MS)
    assert lines == ["L1", "L2"]
    assert content(path(url)) == before


@pytest.mark.parametrize("state", sorted(OPEN))
def test_the_database_itself_refuses_a_second_open_case(url: str, state: State) -> None:
    """Whatever a program does wrong, a line has one open case."""
    record_analysis(url, document(detection()), now_ms=NOW_MS)
    with pytest.raises(IntegrityError), writing(url) as connection:
        connection.execute(insert(CASE).values(line_id="L1", state=state, opened_at=NOW_MS))


def test_the_history_cannot_be_rewritten(url: str) -> None:
    """What happened stays as it was written."""
    record_analysis(url, document(detection()), now_ms=NOW_MS)
    with pytest.raises(IntegrityError, match="never changed"), writing(url) as connection:
        connection.exec_driver_sql("UPDATE case_history SET actor = 'somebody else'")


DETECTIONS = st.lists(
    st.builds(
        lambda line, kind, start, length, level: detection(line, kind, start=start, stop=start + length, level=level),
        st.sampled_from(["L1", "L2", "L3"]),
        st.sampled_from(["udp_flood", "scan", "volume_anomaly"]),
        st.integers(0, 30),
        st.integers(1, 10),
        st.sampled_from(["act", "act", "watch"]),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(found=DETECTIONS, data=st.data())
def test_the_order_of_detections_does_not_matter(found: list[Any], data: st.DataObject) -> None:
    """Any order of the same document gives the same database, and reading it again changes nothing."""
    shuffled = data.draw(st.permutations(found))
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("first.db", "second.db")]
        for file, detections in zip(paths, (found, shuffled), strict=True):
            record_analysis(f"sqlite:///{file}", document(*detections), now_ms=NOW_MS)
        contents = [content(file) for file in paths]
        assert contents[0] == contents[1]
        record_analysis(f"sqlite:///{paths[0]}", document(*shuffled), now_ms=NOW_MS)
        assert content(paths[0]) == contents[0]


def test_other_programs_can_read_the_times(url: str) -> None:
    """Times are timestamps in UTC, not numbers that only this program understands."""
    record_analysis(url, document(detection()), now_ms=NOW_MS)
    with sqlite3.connect(path(url)) as connection:
        (first,) = connection.execute("SELECT first_seen FROM case_detection").fetchone()
    connection.close()
    assert first.startswith("2026-11-24 03:00:00")


def test_what_a_line_had_seemed_to_hold_only_grows(url: str):
    """A later view may know no more of it: who approves is asked about every part."""
    home, other = ({"prefix": f"203.0.113.{n}/32", "realm": "", "port": 0} for n in (7, 8))
    record_analysis(url, document(detection(stop=3, held=[home])), now_ms=NOW_MS)
    record_analysis(url, document(detection(stop=4, held=[other, home])), now_ms=NOW_MS)
    record_analysis(url, document(detection(stop=5, held=[])), now_ms=NOW_MS)
    assert all_cases(url)[0].evidence[0].held == (home, other)
