"""Sessions of the portal: one case each, an hour of idling, half a day in all."""

from __future__ import annotations

from cases.documents import NOW_MS
from cases.sending import act
from cases.subscriber.conftest import CASE
from sekisho.cases.database import reading, writing
from sekisho.cases.read import get_case
from sekisho.cases.states import State
from sekisho.cases.subscriber import sessions
from sekisho.cases.subscriber.sessions import IDLE_MS, LONGEST_MS, MOST_A_CASE

DIGEST = "d" * 64


def test_entering_acknowledges_the_case(url: str) -> None:
    """The step of the life cycle that the contract names."""
    with writing(url) as connection:
        assert get_case(connection, CASE).state is State.NOTIFIED
        sessions.begin(connection, CASE, DIGEST, act())
        assert get_case(connection, CASE).state is State.ACKNOWLEDGED


def test_a_session_ends_by_idling_by_age_and_by_leaving(url: str) -> None:
    """Each by itself."""
    with writing(url) as connection:
        sessions.begin(connection, CASE, DIGEST, act())
        assert sessions.find(connection, DIGEST, NOW_MS + IDLE_MS - 1) == (CASE, NOW_MS)
        assert sessions.find(connection, DIGEST, NOW_MS + IDLE_MS) is None
        for hour in range(1, 30):
            sessions.touch(connection, DIGEST, NOW_MS + hour * IDLE_MS // 2)
        assert sessions.find(connection, DIGEST, NOW_MS + LONGEST_MS - 1) is not None
        assert sessions.find(connection, DIGEST, NOW_MS + LONGEST_MS) is None
        sessions.end(connection, DIGEST)
        assert sessions.find(connection, DIGEST, NOW_MS) is None


def test_the_number_of_sessions_is_bounded(url: str) -> None:
    """The oldest has to leave; those whose time is over are removed."""
    with writing(url) as connection:
        for number in range(MOST_A_CASE + 2):
            sessions.begin(connection, CASE, f"{number:064d}", act(NOW_MS + number))
    with reading(url) as connection:
        alive = [n for n in range(MOST_A_CASE + 2) if sessions.find(connection, f"{n:064d}", NOW_MS + 20)]
    assert alive == list(range(2, MOST_A_CASE + 2))
