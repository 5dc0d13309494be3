"""The life of a case: only what the table allows, and all of it with a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases.documents import NOW_MS, detection, document
from sekisho.cases.database import reading, writing
from sekisho.cases.lifecycle import Act, move
from sekisho.cases.read import get_case
from sekisho.cases.record import record_analysis
from sekisho.cases.states import CLOSED, OPEN, TRANSITIONS, State
from sekisho.cases.tables import CASE
from sekisho.core.errors import InputError, Refused

ACT = Act(actor="desk", purpose="own_network_protection", at_ms=NOW_MS + 1)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    record_analysis(url, document(detection()), now_ms=NOW_MS)
    return url


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_a_case_moves_only_as_the_table_says(url: str, before: State, after: State) -> None:
    """Every pair of states is tried: allowed steps change the case and its history, others change nothing."""
    with writing(url) as connection:
        connection.execute(CASE.update().values(state=before, closed_at=NOW_MS if before in CLOSED else None))
        if (before, after) not in TRANSITIONS:
            with pytest.raises(Refused, match="cannot become"):
                move(connection, 1, after, ACT, reason="because")
        else:
            move(connection, 1, after, ACT, reason="because")
    with reading(url) as connection:
        case = get_case(connection, 1)
    allowed = (before, after) in TRANSITIONS
    assert case.state == (after if allowed else before)
    assert [(s.before, s.after, s.actor) for s in case.history[1:]] == ([(before, after, "desk")] if allowed else [])
    assert case.is_open == (case.closed_at_ms is None)


@pytest.mark.parametrize("state", sorted(CLOSED - {State.RESOLVED}))
def test_a_case_is_never_closed_without_a_reason(url: str, state: State) -> None:
    """Who closes says why."""
    with pytest.raises(Refused, match="without a reason"), writing(url) as connection:
        move(connection, 1, state, ACT)


def test_from_every_open_state_a_person_can_end_a_case() -> None:
    """Dismissal, the end of the line and withdrawal are possible whatever went before; a closed case only relapses."""
    for state in OPEN:
        assert {to for before, to in TRANSITIONS if before is state} >= CLOSED - {State.RESOLVED}
    assert [step for step in TRANSITIONS if step[0] in CLOSED] == [(State.RESOLVED, State.RELAPSED)]


def test_acknowledgement_is_not_needed() -> None:
    """A line that falls silent by itself is a result too."""
    for state in (State.OPEN, State.NOTIFIED, State.ACKNOWLEDGED):
        assert (state, State.OBSERVING) in TRANSITIONS


def test_a_number_without_a_case_is_told(url: str) -> None:
    """The sentence names the number."""
    with reading(url) as connection, pytest.raises(InputError, match="found 99"):
        get_case(connection, 99)
