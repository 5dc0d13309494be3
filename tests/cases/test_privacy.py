"""Erasure, legal hold, subject access, effect, migrations: on both databases."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, update

from cases.documents import DAY_MS, NOW_MS, detection, document
from cases.sending import act, policy
from sekisho.cases import outbox
from sekisho.cases.answers import dismiss
from sekisho.cases.database import downgrade, upgrade, writing
from sekisho.cases.effect import NOBODY_TOLD, Row, effect
from sekisho.cases.lifecycle import move
from sekisho.cases.read import find_cases
from sekisho.cases.record import record_analysis
from sekisho.cases.retention import erase, hold, release_hold
from sekisho.cases.reveal import reveal, truncated
from sekisho.cases.states import Disposition, NoticeKind, State
from sekisho.cases.subject_access import export
from sekisho.cases.tables import METADATA, VERSION_TABLE
from sekisho.cases.work_tables import NOTICE
from sekisho.core.errors import Refused

LATER_MS = NOW_MS + 181 * DAY_MS


def closed(url: str, *lines: str) -> None:
    record_analysis(url, document(*(detection(line) for line in lines)), now_ms=NOW_MS)
    with writing(url) as connection:
        for number in range(1, len(lines) + 1):
            dismiss(connection, number, Disposition.OWN_TEST, act())


def test_an_erasure_run_reports_and_a_legal_hold_keeps(database: str) -> None:
    """Past its time a case goes with everything; a held one stays until it is released."""
    closed(database, "L1", "L2")
    with writing(database) as connection:
        hold(connection, 2, act(), "court order")
        assert erase(connection, policy(), act(LATER_MS - 2 * DAY_MS)).rows["subscriber_case"] == 0
        done = erase(connection, policy(), act(LATER_MS))
        assert (done.rows["subscriber_case"], done.rows["case_detection"], done.held) == (1, 1, 1)
        assert [case.line_id for case in find_cases(connection)] == ["L2"]
        release_hold(connection, 2, act(LATER_MS))
        assert erase(connection, policy(), act(LATER_MS)).rows["subscriber_case"] == 1
        assert find_cases(connection) == []


def test_a_person_gets_everything_that_is_held(database: str) -> None:
    """Cases, destinations, notices, answers, and who looked; nothing of another line."""
    record_analysis(database, document(detection("L1"), detection("L2")), now_ms=NOW_MS)
    with writing(database) as connection:
        reveal(connection, 1, act())
        found = export(connection, "L1", act())
    (case,) = found["cases"]
    assert [row["action"] for row in case["access"]] == ["reveal"]
    assert "203.0.113.0/24" in json.dumps(case["destinations"])
    assert "L2" not in json.dumps(found)


def test_destinations_of_a_closed_case_are_not_shown(database: str) -> None:
    """Who is no longer suspected of anything is owed silence about whom he talked to."""
    closed(database, "L1")
    with writing(database) as connection, pytest.raises(Refused, match="open cases only"):
        reveal(connection, 1, act())


@pytest.mark.parametrize(
    ("prefix", "shown"),
    [
        ("203.0.113.7/32", "203.0.113.0/24"),
        ("203.0.0.0/16", "203.0.0.0/16"),
        ("2001:db8:1:2::3/128", "2001:db8:1::/48"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_no_destination_is_longer_than_it_may_be(prefix: str, shown: str) -> None:
    """/24 and /48."""
    assert truncated(prefix) == shown


def test_the_effect_stands_beside_its_baseline(database: str) -> None:
    """By kind and channel, those that nobody told in a row of their own, with an interval."""
    record_analysis(database, document(detection("L1"), detection("L2")), now_ms=NOW_MS)
    with writing(database) as connection:
        number = outbox.draft(connection, 1, NoticeKind.FIRST_NOTICE, channel="mail", step=0, turn=0, now_ms=NOW_MS)
        connection.execute(update(NOTICE).where(NOTICE.c.id == number).values(state="sent", sent_at=NOW_MS))
        move(connection, 1, State.OBSERVING, act())
        move(connection, 1, State.RESOLVED, act(), reason="verified")
        assert effect(connection, NOW_MS + 13 * DAY_MS).rows == ()
        found = effect(connection, NOW_MS + 14 * DAY_MS)
    assert found.rows == (
        Row(kind="udp_flood", channel=NOBODY_TOLD, cases=1, clean=0),
        Row(kind="udp_flood", channel="mail", cases=1, clean=1),
    )
    low, high = found.rows[1].interval_95
    assert (round(low, 3), high) == (0.207, 1.0)


def test_every_point_of_the_page_names_tests_that_exist() -> None:
    """The page that maps people and law to tests has all fourteen points, and no test that is gone."""
    root = Path(__file__).parents[2]
    page = (root / "docs" / "reference" / "privacy.md").read_text()
    assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE) == [str(number) for number in range(1, 15)]
    file = ""
    for path, name in re.findall(r"`(tests/[\w/.]+)?(?:::(\w+))?`", page):
        file = path or file
        assert (root / file).exists()
        assert not name or f"def {name}(" in (root / file).read_text()


def test_migrations_go_both_ways(database: str) -> None:
    """Down to nothing and up again the tables are those of the code."""
    record_analysis(database, document(detection()), now_ms=NOW_MS)
    with writing(database) as connection:
        downgrade(connection, "0001")
        assert "notice" not in inspect(connection).get_table_names()
        assert connection.exec_driver_sql("SELECT count(*) FROM subscriber_case").scalar() == 1
        upgrade(connection)
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, METADATA) == []
        downgrade(connection, "base")
        assert "subscriber_case" not in inspect(connection).get_table_names()
        upgrade(connection)
