"""The API: who gets in, what comes out, what may be repeated."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from cases.sending import act
from sekisho.cases.accounts import people
from sekisho.cases.database import writing
from sekisho.cases.roles import ROLES, Action, Role
from sekisho.web.api.routes import ROUTES, Route
from web.console.world import HOSTILE

if TYPE_CHECKING:
    from web.api.conftest import Programs

BODIES: dict[str, Any] = {
    "/cases/{number}/dismiss": {"what": "own_test"},
    "/cases/{number}/escalate": {"reason": "r"},
    "/cases/{number}/line-ended": {"reason": "r"},
    "/cases/{number}/answer": {"kind": "answered"},
    "/cases/{number}/measure": {"measure": "reboot", "state": "claimed"},
    "/cases/{number}/reveal": {},
    "/notices/{number}/approve": {},
    "/notices/{number}/refuse": {"reason": "r"},
    "/lines/who": {"address": "100.72.0.48", "purpose": "consent"},
}


def address(route: Route) -> str:
    return route.path.replace("{number}", "4")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_lets_in_whom_the_table_names(route: Route, programs: Programs) -> None:
    """By role and by scope; without a token, with a wrong one, with another scope: not."""
    given = {"json": BODIES[route.path]} if route.method == "POST" else {}
    for secret, status in ((None, 401), ("sekisho_x", 401), ("x" * 10_000, 401)):
        answer = programs.ask(route.method, address(route), secret, **given)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"
    for role in sorted(Role, key=lambda role: role in ROLES[route.action]):
        other = next(a for a in Action if a is not route.action and role in ROLES[a])
        assert programs.ask(route.method, address(route), programs.token(role, other), **given).status_code == 403
        answer = programs.ask(route.method, address(route), programs.token(role), **given)
        assert (answer.status_code != 403) == (role in ROLES[route.action]), (role, answer.text)
        assert answer.status_code < 500


def test_a_session_of_the_console_is_no_token(programs: Programs) -> None:
    """A page elsewhere cannot make a browser use the API."""
    assert programs.world.ask("GET", "/api/v1/cases", "approver").status_code == 401


def test_a_token_ends_with_its_person(programs: Programs) -> None:
    """Disabled is disabled for programs, too."""
    secret = programs.token("approver")
    assert programs.ask("GET", "/cases", secret).status_code == 200
    with writing(programs.world.console.url) as connection:
        people.disable(connection, "approver", act())
    assert programs.ask("GET", "/cases", secret).status_code == 401


def test_cases_are_listed_by_harm_a_page_at_a_time(programs: Programs) -> None:
    """Pages follow each other; the last has no next; no destination is in it."""
    first = programs.get("/cases?limit=3").json()
    second = programs.get(f"/cases?limit=3&offset={first['next_offset']}").json()
    assert [len(first["items"]), first["total"], second["next_offset"]] == [3, 4, None]
    assert [row["case"] for row in first["items"] + second["items"]] == [4, 3, 1, 2]
    assert programs.get("/cases?line_id=L-0001").json()["items"][0]["state"] == "notified"
    assert programs.get("/cases?state=resolved").json()["total"] == 0
    assert programs.get("/cases?waits=true&event=1").json()["total"] == 1
    assert "203.0.113" not in programs.get("/cases").text + programs.get("/cases/4").text


@pytest.mark.parametrize(
    "path",
    [
        "/cases?limit=201",
        "/cases?limit=0",
        "/cases?offset=-1",
        "/cases?state=x",
        "/cases/0",
        "/cases/9999999999",
        "/cases?kind=%00",
    ],
)
def test_what_is_outside_of_the_limits_is_told(path: str, programs: Programs) -> None:
    """One sentence that names the place."""
    answer = programs.get(path)
    assert answer.status_code == 422
    assert set(answer.json()) == {"type", "title", "status", "detail"}


def test_what_is_not_there_is_404(programs: Programs) -> None:
    """A case, a notice, a path."""
    for path in ("/cases/99", "/nothing"):
        answer = programs.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert programs.post("/notices/99/approve", {}).status_code == 404
    assert programs.post("/cases/99/escalate", {"reason": "r"}).status_code == 404


def test_csv_computes_nothing(programs: Programs) -> None:
    """A line that is named like a formula is text in a spreadsheet; lists stay readable."""
    with writing(programs.world.console.url) as connection:
        connection.exec_driver_sql("UPDATE subscriber_case SET line_id = '=1+1' WHERE id = 1")
    answer = programs.get("/cases?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["line_id"] for row in rows] == ["L-0002", "L-0001", "'=1+1", HOSTILE]
    assert rows[0]["events"] == "1"
    for path in ("/events", "/effect"):
        assert programs.get(f"{path}?format=csv").status_code == 200
    assert programs.get("/audit?format=csv", Role.AUDITOR).text.startswith("id,at,who")


def test_an_act_is_done_once_under_its_key(programs: Programs) -> None:
    """Repeated it is answered the same; the key for something else is refused; without a key it is done again."""
    first = programs.post("/cases/4/escalate", {"reason": "r"}, **{"Idempotency-Key": "k1"})
    again = programs.post("/cases/4/escalate", {"reason": "r"}, **{"Idempotency-Key": "k1"})
    assert (first.status_code, first.json()) == (200, {"case": 4, "state": "escalated"})
    assert (again.status_code, again.json()) == (200, first.json())
    other = programs.post("/cases/4/escalate", {"reason": "other"}, **{"Idempotency-Key": "k1"})
    assert other.status_code == 422
    assert programs.post("/cases/4/escalate", {"reason": "r"}).status_code == 409
    rows = programs.world.database("SELECT who FROM audit WHERE action = 'escalate'")
    assert rows == [("approver (approver )",)]


def test_what_was_refused_may_be_tried_again_under_its_key(programs: Programs) -> None:
    """Nothing was done, so nothing is remembered."""
    key = {"Idempotency-Key": "k2"}
    assert programs.post("/cases/99/escalate", {"reason": "r"}, **key).status_code == 404
    assert programs.post("/cases/4/escalate", {"reason": "r"}, **key).status_code == 200


def test_notices_are_approved_and_refused(programs: Programs) -> None:
    """The line is asked about anew: what nobody holds is withdrawn with its case."""
    drafts = [row["notice"] for row in programs.get("/notices?state=draft").json()["items"]]
    assert len(drafts) == 3
    assert programs.post(f"/notices/{drafts[0]}/refuse", {"reason": "known"}).json()["state"] == "refused"
    assert programs.post(f"/notices/{drafts[1]}/approve", {}).json()["state"] == "refused"
    withdrawn = programs.world.database("SELECT count(*) FROM subscriber_case WHERE state = 'withdrawn'")
    assert withdrawn == [(1,)]
    assert "code" not in programs.get("/notices").text


def test_whose_line_it_was_takes_a_purpose_and_stays_on_record(programs: Programs) -> None:
    """Without a known purpose nothing is answered; what is no address is refused."""
    assert programs.post("/lines/who", {"address": "100.72.0.48"}).status_code == 422
    assert programs.post("/lines/who", {"address": "100.72.0.48", "purpose": "curiosity"}).status_code == 409
    assert programs.post("/lines/who", {"address": "x", "purpose": "consent"}).status_code == 409
    found = programs.post("/lines/who", {"address": "100.72.0.48", "purpose": "consent"}).json()
    assert found["answer"]["line_id"] == "L-0001"
    assert programs.world.database("SELECT action, purpose FROM audit WHERE action = 'lines_who'") == [
        ("lines_who", "consent")
    ]


def test_a_reveal_is_truncated_and_on_record_each_time(programs: Programs) -> None:
    """A key does not hide that somebody looked again."""
    for _ in range(2):
        answer = programs.post("/cases/4/reveal", {"purpose": "necessity"}, **{"Idempotency-Key": "k"})
        assert answer.json()["destinations"][0]["prefix"] == "203.0.113.0/24"
    assert len(programs.world.database("SELECT 1 FROM audit WHERE action = 'reveal'")) == 2


def test_health_effect_and_audit(programs: Programs) -> None:
    """As the pages tell them."""
    health = programs.get("/health").json()
    assert health["well"] is False
    assert {e["name"] for e in health["exporters"]} == {"bng-1", "bng-2", "bng-3"}
    assert programs.get("/effect").json()["notices"] == 1
    assert programs.get("/audit/verify", Role.AUDITOR).json()["intact"] is True
    assert programs.get("/audit?limit=1", Role.AUDITOR).json()["total"] > 1


def test_any_request_is_answered_without_an_error_of_ours(programs: Programs) -> None:
    """Whatever the description allows: never a 5xx."""
    app = programs.world.app
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    secrets = {"auditor": programs.token(Role.AUDITOR), "approver": programs.token(Role.APPROVER)}
    seen: list[int] = []

    for operation in schema.get_all_operations():
        found = operation.ok()
        role = "auditor" if found.path.startswith("/audit") else "approver"
        headers = {"Authorization": f"Bearer {secrets[role]}"}
        _all_of(found, headers, seen)
    assert len(seen) > 100
    assert set(seen) >= {200, 404}


def _all_of(operation: Any, headers: dict[str, str], seen: list[int]) -> None:
    from hypothesis import given

    @given(case=operation.as_strategy())
    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        answer = case.call(headers=headers)
        seen.append(answer.status_code)
        assert answer.status_code < 500, answer.text

    ask()


def test_the_description_names_the_scope_of_every_route(programs: Programs) -> None:
    """So that whoever makes a token knows what to ask for."""
    paths = programs.world.ask("GET", "/api/v1/openapi.json").json()["paths"]
    told = {(method.upper(), path): row["x-scope"] for path, rows in paths.items() for method, row in rows.items()}
    assert told == {(route.method, route.path): route.action for route in ROUTES}
