"""The sender process: what the policy lets leave leaves, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases.documents import NOW_MS, detection, document
from cases.sending import Remembering, act, same
from operator_words import OPERATOR_TOML
from sekisho.cases import brake, outbox
from sekisho.cases.accounts import people
from sekisho.cases.database import reading, writing
from sekisho.cases.policy import load_policy
from sekisho.cases.record import record_analysis
from sekisho.cases.roles import Role
from sekisho.cases.signals import Signal, Source, add
from sekisho.core.alarms import Alarms, Condition
from sekisho.core.config import load_config
from sekisho.core.time import now_ms
from sekisho.notices.contacts.book import import_contacts
from sekisho.notices.contacts.sealing import make_key
from sekisho.notices.delivery import Deferred
from sekisho.serve import sender as module
from sekisho.serve.sender import Desk


class Office:
    """A case database with two lines at act, a policy, contacts, and the process that sends."""

    def __init__(self, folder: Path, mode: str) -> None:
        self.url = f"sqlite:///{folder / 'cases.db'}"
        (folder / "assignments.csv").write_text(
            "line_id,prefix,port_first,port_last,valid_from,valid_to\n"
            "L1,100.72.0.48/32,,,2026-01-01T00:00:00Z,\nL2,100.72.0.49/32,,,2026-01-01T00:00:00Z,\n"
        )
        (folder / "policy.toml").write_text(f'mode = "{mode}"\n[quiet_hours]\nstart = "00:00"\nend = "00:00"\n')
        contacts = "line_id,name,mail,telephone,postal_code,address,language,channel\n"
        contacts += "L1,見本太郎,taro@customer.example,,,,ja,mail\nL2,Sample,hanako@customer.example,,,,en,mail\n"
        (folder / "contacts.csv").write_text(contacts)
        make_key(folder / "contacts.key")
        import_contacts(folder / "contacts.csv", folder / "contacts.book", folder / "contacts.key")
        (folder / "sekisho.toml").write_text(
            f'[cases]\nurl = "{self.url}"\npolicy = "policy.toml"\n[files]\nlines = ["assignments.csv"]\n'
            '[contacts]\nbook = "contacts.book"\nkey_file = "contacts.key"\n'
            f'[mail]\nhost = "mail.isp.example"\nfrom_address = "abuse@isp.example"\ndkim_required = false\n'
            f'bounces = "bounces.mbox"\n{OPERATOR_TOML}'
        )
        (folder / "bounces.mbox").write_bytes(b"")
        self.folder = folder
        self.config = load_config(folder / "sekisho.toml", {})
        self.policy = load_policy(self.config.cases.policy)
        self.channel = Remembering()
        record_analysis(self.url, document(detection("L1"), detection("L2", source="100.72.0.49")), now_ms=NOW_MS)
        with writing(self.url) as connection:
            people.add(connection, "sato", "a quiet checkpoint on the old road", [Role.APPROVER], act())
        self.desk = self.start()

    def start(self) -> Desk:
        return Desk(self.config, channels={"mail": self.channel})

    def run(self) -> None:
        while self.desk.round():
            pass

    def notices(self) -> list[outbox.Notice]:
        with reading(self.url) as connection:
            return outbox.of_cases(connection)

    def approve(self) -> None:
        for notice in self.notices():
            with writing(self.url) as connection:
                outbox.approve(connection, notice.number, act(now_ms()), self.policy, same)

    def alarms(self) -> dict[Condition, str]:
        alarms = Alarms(now_ms)
        self.desk.look(alarms)
        return {alarm.condition: alarm.text("en") for alarm in alarms}


def states(office: Office) -> list[str]:
    return [notice.state.value for notice in office.notices()]


def test_in_observe_nothing_is_drafted(tmp_path: Path) -> None:
    """What is shipped only looks; retention runs all the same, and is on record."""
    office = Office(tmp_path, "observe")
    office.run()
    assert states(office) == []
    with reading(office.url) as connection:
        assert connection.exec_driver_sql("select count(*) from audit where action = 'erase'").scalar_one() == 1


def test_a_person_approves_and_it_leaves_once(tmp_path: Path) -> None:
    """Drafts wait; approved ones leave in their subscriber's language; a restart sends nothing again."""
    office = Office(tmp_path, "propose")
    office.run()
    assert states(office) == ["draft", "draft"]
    office.approve()
    office.run()
    assert states(office) == ["sent", "sent"]
    office.desk = office.start()
    office.run()
    assert [(message.to, message.language.value) for message in office.channel.got] == [
        ("taro@customer.example", "ja"),
        ("hanako@customer.example", "en"),
    ]
    assert office.alarms() == {}


def test_that_nobody_could_approve_is_told(tmp_path: Path) -> None:
    """Drafts would wait for ever; in mode observe nothing waits."""
    for mode, expected in (("propose", {Condition.NOBODY_APPROVES}), ("observe", set())):
        folder = tmp_path / mode
        folder.mkdir()
        office = Office(folder, mode)
        assert office.alarms() == {}
        with writing(office.url) as connection:
            people.disable(connection, "sato", act())
        assert set(office.alarms()) == expected


def test_two_signals_need_no_person(tmp_path: Path) -> None:
    """In mode send; the line with one signal waits."""
    office = Office(tmp_path, "send")
    with writing(office.url) as connection:
        add(connection, 2, Signal(source=Source.THIRD_PARTY, at_ms=NOW_MS, detail="shadowserver"))
    office.run()
    assert [message.line_id for message in office.channel.got] == ["L2"]
    assert sorted(states(office)) == ["draft", "sent"]
    assert office.notices()[1].approved_by == "policy"


def test_another_holder_is_found_out_before_sending(tmp_path: Path) -> None:
    """The assignments changed after the approval: the case is withdrawn and nobody is written to."""
    office = Office(tmp_path, "propose")
    office.run()
    office.approve()
    file = tmp_path / "assignments.csv"
    file.write_text(file.read_text().replace("L1,", "L9,"))
    office.run()
    assert [message.line_id for message in office.channel.got] == ["L2"]
    assert sorted(states(office)) == ["refused", "sent"]


def test_the_brake_and_a_channel_that_fails_are_told(tmp_path: Path) -> None:
    """Once each, with the reason; nothing is lost."""
    office = Office(tmp_path, "propose")
    office.run()
    office.channel.answers = [Deferred(why="the mail server does not answer")] * 2
    office.approve()
    office.run()
    assert office.alarms() == {
        Condition.CHANNEL_FAILING: "mail does not take notices (the mail server does not answer); none is lost, "
        "they are tried again"
    }
    with writing(office.url) as connection:
        brake.engage(connection, act(now_ms()), "21 new lines")
    assert "21 new lines" in office.alarms()[Condition.SENDING_HELD]
    assert states(office) == ["held", "held"]


def test_a_mail_that_comes_back_is_followed_by_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounce is read from the mailbox; the ladder's next channel is drafted."""
    office = Office(tmp_path, "propose")
    office.run()
    office.approve()
    office.run()
    first = office.channel.got[0]
    bounce = (tmp_path / "bounces.mbox").open("wb")
    with bounce:
        bounce.write(
            b"From MAILER-DAEMON Tue Nov 24 12:00:00 2026\nFrom: MAILER-DAEMON@mail.isp.example\nMIME-Version: 1.0\n"
            b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
            b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.isp.example\n\n"
            b"Final-Recipient: rfc822; x@y.example\nAction: failed\nStatus: 5.1.1\n\n"
            b"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <%s@isp.example>\n\n--b--\n" % first.id.encode()
        )
    monkeypatch.setattr(module, "DRAFT_EVERY_S", 0.0)
    office.run()
    came_back, other, again = office.notices()
    assert (came_back.reason, came_back.bounced_at_ms is not None) == ("bounced: 5.1.1", True)
    assert (again.case, again.channel, again.state.value) == (came_back.case, "letter", "draft")
    assert other.state.value == "sent"


def test_a_rehearsal_reaches_nobody(tmp_path: Path) -> None:
    """Whatever the ladder says: mail is off, and the drop takes what goes there."""
    office = Office(tmp_path, "propose")
    file = tmp_path / "policy.toml"
    file.write_text(file.read_text() + "[recovery]\nrehearsal = true\n")
    office.desk = office.start()
    office.run()
    office.approve()
    office.run()
    assert office.channel.got == []
    assert {notice.reason for notice in office.notices() if notice.state.value == "refused"} == {"channel_off"}


def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    """Nothing is raised; it goes on when the database is back."""
    office = Office(tmp_path, "propose")
    (tmp_path / "cases.db").rename(tmp_path / "elsewhere.db")
    (tmp_path / "cases.db").mkdir()
    office.run()
    assert Condition.CASES_UNAVAILABLE in office.alarms()
    (tmp_path / "cases.db").rmdir()
    (tmp_path / "elsewhere.db").rename(tmp_path / "cases.db")
    office.run()
    assert states(office) == ["draft", "draft"]
    assert {sample.labels: sample.value for sample in office.desk.samples()}["draft",] == 2
