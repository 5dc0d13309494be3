"""What a person does: it happens once, through the functions of the command line, and stays on record."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cases.documents import NOW_MS, detection, document
from cases.sending import act, policy
from notices.samples import OPERATOR
from sekisho.cases import brake
from sekisho.cases.code import is_valid
from sekisho.cases.database import writing
from sekisho.cases.record import record
from sekisho.core.config import Config
from sekisho.notices.contacts.book import import_contacts
from web.console.world import World, world


def trail(console: World) -> list[tuple[str, str, str, int | None]]:
    """Without what the fixture did."""
    query = "SELECT action, who, purpose, case_id FROM audit WHERE at >= '2026-11-24 04:05:00' ORDER BY id"
    return [row for row in console.database(query) if row[0] != "sign_in"]


def state(console: World, case: int) -> str:
    return console.database(f"SELECT state FROM subscriber_case WHERE id = {case}")[0][0]


@pytest.mark.parametrize(
    ("act_path", "form", "action", "to"),
    [
        ("escalate", {"reason": "r"}, "escalate", "escalated"),
        ("dismiss", {"as": "look_alike"}, "dismiss", "dismissed"),
        ("withdraw", {"reason": "another line"}, "withdraw", "withdrawn"),
        ("line-ended", {"reason": "the contract ended"}, "line_ended", "line_ended"),
        ("answer", {"kind": "complaint", "note": "n"}, "answer", "open"),
        ("measure", {"measure": "reboot", "state": "claimed"}, "measure", "open"),
    ],
)
def test_an_act_is_done_and_on_record(
    act_path: str, form: dict[str, str], action: str, to: str, console: World
) -> None:
    """The page says so afterwards; a second closing is refused and changes nothing."""
    answer = console.post(f"/cases/4/{act_path}", "operator", **form)
    assert answer.status_code == 303
    assert state(console, 4) == to
    assert trail(console) == [(action, "operator", "own_network_protection", 4)]
    assert 'role="status"' in console.get(answer.headers["location"], "operator").text
    if to in {"dismissed", "withdrawn", "line_ended"}:
        assert console.post(f"/cases/4/{act_path}", "operator", **form).status_code == 409
        assert len(trail(console)) == 1


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/cases/4/escalate", {"reason": "  "}),
        ("/cases/4/escalate", {"reason": "x" * 501}),
        ("/cases/4/escalate", {"reason": "r", "purpose": "curiosity"}),
        ("/cases/4/dismiss", {"as": "x"}),
        ("/cases/4/answer", {"kind": "answered", "note": "x" * 501}),
        ("/cases/4/measure", {"measure": "reboot", "state": "x"}),
        ("/cases/4/reveal", {"purpose": ""}),
        ("/cases/4/reveal", {}),
        ("/cases/4/contact", {}),
        ("/cases/4/contact", {"purpose": "consent"}),
        ("/events/1/approve", {}),
        ("/events/1/filter", {"as": "x"}),
        ("/events/1/filter", {"as": "acl", "hours": "169"}),
        ("/brake/release", {}),
        ("/brake/engage", {"reason": " "}),
        ("/announcement/approve", {"event": "E1", "seen": "x"}),
        ("/announcement/approve", {"event": "E1", "seen": "x", "sure": "yes"}),
        ("/lines", {"purpose": "consent", "address": "x"}),
        ("/lines", {"purpose": "consent", "address": "100.72.0.48", "port": "70000"}),
        ("/lines", {"purpose": "consent", "address": "100.72.0.48", "at": "yesterday"}),
        ("/lines", {"address": "100.72.0.48"}),
    ],
)
def test_what_does_not_fit_changes_nothing(path: str, form: dict[str, str], console: World) -> None:
    """It is told why, and nothing is on record because nothing was done."""
    answer = console.post(path, "approver", **form)
    assert answer.status_code == 409
    assert "nothing was changed" in answer.text
    assert trail(console) == []


def test_a_reveal_names_its_purpose_and_is_truncated(console: World) -> None:
    """The trail holds it before the page is shown."""
    text = console.post("/cases/4/reveal", "operator", purpose="necessity").text
    assert "203.0.113.0/24" in text
    assert trail(console) == [("reveal", "operator", "necessity", 4)]


def test_a_draft_is_approved_by_an_approver_after_the_line_was_asked_about(console: World) -> None:
    """L-0001 holds the address; the others do not, and are withdrawn with their cases."""
    notices = dict(console.database("SELECT case_id, id FROM notice WHERE state = 'draft'"))
    assert console.post(f"/notices/{notices[4]}/approve", "approver").headers["location"].endswith("done=withdrawn")
    assert state(console, 4) == "withdrawn"
    assert console.post(f"/notices/{notices[1]}/refuse", "approver", reason="known").status_code == 303
    assert console.database(f"SELECT state, reason FROM notice WHERE id = {notices[1]}") == [("refused", "known")]


def test_an_event_is_approved_at_once(template: Path, tmp_path: Path) -> None:
    """Each line is asked about by itself: what is certain is approved, what is another's is withdrawn."""
    console = world(template, tmp_path)
    with writing(console.console.url) as connection:
        connection.exec_driver_sql("UPDATE subscriber_case SET line_id = 'L-0009' WHERE id = 3")
        connection.exec_driver_sql("UPDATE subscriber_case SET line_id = 'L-0001' WHERE id = 4")
    page = console.get("/events/1", "approver").text
    assert "Approve them all" in page
    assert "Approve them all" not in console.get("/events/1", "operator").text
    text = console.post("/events/1/approve", "approver", sure="yes").text
    assert "<dt>Approved</dt><dd>1</dd>" in text
    assert console.database("SELECT case_id FROM notice WHERE state = 'approved'") == [(4,)]
    assert [row[0] for row in trail(console)] == ["approve", "bulk_approve"]


def test_the_brake_is_released_by_an_approver_who_has_looked(console: World) -> None:
    """While it holds every page says so; afterwards what was held is approved."""
    with writing(console.console.url) as connection:
        connection.exec_driver_sql("UPDATE notice SET state = 'approved' WHERE case_id = 4")
        brake.engage(connection, act(NOW_MS), "21 new lines")
    for path in ("/noc", "/desk", "/delivery", "/brake"):
        assert "The brake is on" in console.get(path, "operator").text
    assert console.post("/brake/release", "approver", sure="yes").status_code == 303
    assert console.database("SELECT state FROM notice WHERE case_id = 4") == [("approved",)]
    assert "released by approver" in console.get("/brake", "operator").text


def test_the_brake_is_pulled_by_whoever_sees_that_something_is_wrong(console: World) -> None:
    """With a reason, once; from then on what is approved waits."""
    assert console.post("/brake/engage", "operator", reason="complaint about L-0001").status_code == 303
    assert console.post("/brake/engage", "operator", reason="again").status_code == 409
    assert "complaint about L-0001" in console.get("/noc", "auditor").text
    assert [row[:2] for row in trail(console)] == [("brake", "operator")]


@pytest.mark.parametrize(
    ("rules", "lines_of", "words"),
    [
        ({"new_lines": 3}, {}, "新しい回線が 4 本"),
        ({"exporter_share": 0.001}, {"bng-1": 5000}, "bng-1 の 5000 回線のうち 9 回線"),
    ],
)
def test_why_the_brake_holds_is_said_in_japanese_too(
    rules: dict[str, float], lines_of: dict[str, int], words: str, console: World
) -> None:
    """Whatever sentence the program wrote down."""
    with writing(console.console.url) as connection:
        if lines_of:
            found = document(*(detection(f"L9{n}") for n in range(9)))
            record(connection, found, now_ms=NOW_MS, exporter_of={f"L9{n}": "bng-1" for n in range(9)})
        assert brake.watch(connection, policy(brake=rules), act(actor="serve"), lines_of=lines_of) is not None
    assert words in console.get("/brake", "operator", headers={"Accept-Language": "ja"}).text


def test_an_announcement_is_approved_as_it_was_read(console: World) -> None:
    """The words are kept, the trail holds their digest and the name; what changed meanwhile is not approved."""
    console.console.config = Config(operator=OPERATOR)
    page = console.get("/announcement?event=E1", "approver").text
    seen = page.split('name="seen" value="')[1].split('"')[0]
    form = {"event": "E1", "seen": seen, "sure": "yes"}
    with writing(console.console.url) as connection:
        connection.exec_driver_sql("UPDATE event SET lines = 9000")
    assert console.post("/announcement/approve", "approver", **form).status_code == 409
    with writing(console.console.url) as connection:
        connection.exec_driver_sql("UPDATE event SET lines = 137")
    answer = console.post("/announcement/approve", "approver", **form)
    assert answer.headers["location"] == "/announcements/2?done=announced"
    assert trail(console) == [("announce", "approver", "own_network_protection", None)]
    ((details,),) = console.database("SELECT details FROM audit WHERE action = 'announce' AND who = 'approver'")
    assert seen in details
    assert seen in console.get("/announcements/2", "approver").text
    for language, words in (("ja", "機器のご確認のお願い"), ("en", "Please check the devices")):
        text = console.get(f"/announcements/2/text?in={language}&as=text", "approver").text
        assert words in text
        assert "preview" not in text
        assert "見本" not in text


def test_a_lost_code_is_issued_anew_and_shown_once(console: World) -> None:
    """By support, for the person on the phone."""
    text = console.post("/cases/4/code", "support").text
    code = text.split('class="code">')[1].split("<")[0]
    assert is_valid(code)
    assert code not in console.get("/cases/4", "support").text
    found = console.get(f"/find?q={code.lower().replace('-', '')}", "support").text
    assert "L-0002" in found
    assert trail(console) == [("reissue", "support", "own_network_protection", 4)]


def test_who_held_an_address_is_answered_for_a_purpose(console: World) -> None:
    """The time of the form is Japan's; question and answer are in the trail."""
    text = console.post(
        "/lines", "operator", purpose="third_party_report", address="100.72.0.48", at="2026-11-24T12:00"
    ).text
    assert "L-0001" in text
    assert "2026-11-24T03:00:00.000Z" in text
    ((action, who, purpose, case),) = trail(console)
    assert (action, who, purpose, case) == ("lines_who", "operator", "third_party_report", None)


def test_a_filter_proposal_is_text(console: World) -> None:
    """Scoped, with an end, and nothing is sent."""
    answer = console.post("/events/1/filter", "operator", **{"as": "acl", "hours": "2"})
    assert answer.headers["content-type"].startswith("text/plain")
    assert "deny 17 any 203.0.113.0 0.0.0.255 eq 443" in answer.text


def test_hold_and_export_are_for_admin_and_auditor(console: World) -> None:
    """A case under hold says so; the export holds everything of its line."""
    console.post("/cases/4/hold", "admin", reason="court order")
    assert "legal hold" in console.get("/cases/4", "admin").text
    console.post("/cases/4/hold", "admin", end="1")
    answer = console.post("/cases/4/export", "auditor", purpose="consent")
    assert answer.json()["line_id"] == "L-0002"
    assert "attachment" in answer.headers["content-disposition"]
    assert console.post("/cases/4/export", "auditor").status_code == 409


def test_the_trail_is_shown_and_verified(console: World) -> None:
    """What was changed behind our back is told."""
    console.post("/cases/4/escalate", "operator", reason="r")
    assert "escalate" in console.get("/audit?who=operator", "auditor").text
    assert "rows hold" in console.get("/audit/verify", "auditor").text
    with writing(console.console.url) as connection:
        connection.exec_driver_sql("UPDATE audit_head SET last_id = last_id + 1")
    assert "does not hold" in console.get("/audit/verify", "auditor").text


def test_drafts_are_proposed_by_the_desk(console: World) -> None:
    """Once; the second time nothing is due."""
    with writing(console.console.url) as connection:
        connection.exec_driver_sql("DELETE FROM notice WHERE case_id = 4")
    places = [console.post("/desk/propose", "operator").headers["location"] for _ in range(2)]
    assert places == ["/desk?done=proposed", "/desk?done=nothing"]


def test_a_contact_is_shown_on_record(console: World, tmp_path: Path) -> None:
    """Name and address are joined at the case, for a purpose; the page of the case alone does not have them."""
    (tmp_path / "contacts.csv").write_text("line_id,name,mail\nL-0002,山田太郎,taro@example.jp\n", encoding="utf-8")
    key, book = tmp_path / "contacts.key", tmp_path / "contacts.db"
    key.write_text(os.urandom(32).hex())
    key.chmod(0o600)
    import_contacts(tmp_path / "contacts.csv", book, key)
    console.console.config = Config.model_validate({"contacts": {"book": str(book), "key_file": str(key)}})
    assert "山田" not in console.get("/cases/4", "support").text
    assert "山田太郎" in console.post("/cases/4/contact", "support", purpose="consent").text
    assert trail(console) == [("contact", "support", "consent", 4)]
