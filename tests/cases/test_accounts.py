"""Who may come in: people, their sessions, programs that act for them; on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases.documents import DAY_MS, NOW_MS, content
from cases.sending import act
from sekisho.cases.accounts import passwords, people, replies, sessions, tokens
from sekisho.cases.database import downgrade, reading, upgrade, writing
from sekisho.cases.policy import HOUR_MS
from sekisho.cases.roles import Action, Role
from sekisho.core.errors import NotFound, Refused

PASSWORD = "a quiet checkpoint on the old road"


@pytest.fixture
def url(database: str) -> str:
    with writing(database) as connection:
        people.add(connection, "sato", PASSWORD, [Role.OPERATOR], act())
    return database


def test_name_and_password_let_in_and_nothing_else_does(url: str) -> None:
    """A wrong password, an unknown name and a disabled account are one answer."""
    with writing(url) as connection:
        account = people.checked(connection, "sato", PASSWORD)
        assert account is not None
        assert (account.name, account.roles) == ("sato", {Role.OPERATOR})
        assert people.checked(connection, "sato", PASSWORD + "x") is None
        assert people.checked(connection, "suzuki", PASSWORD) is None
        assert people.checked(connection, "sato", "x" * 100_000) is None
        people.disable(connection, "sato", act())
        assert people.checked(connection, "sato", PASSWORD) is None


def test_an_unknown_name_costs_a_hash_too(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the time of an answer does not tell which names there are."""
    hashes: list[str] = []
    verify = passwords._hasher().verify

    class Counting:
        def verify(self, encoded: str, password: str) -> bool:
            hashes.append(encoded)
            return verify(encoded, password)

    passwords._of_nobody()
    monkeypatch.setattr(passwords, "_hasher", Counting)
    with reading(url) as connection:
        people.checked(connection, "suzuki", PASSWORD)
    assert len(hashes) == 1


@pytest.mark.parametrize("name", ["", "Sato", "sa to", "<b>", "a" * 65, "佐藤", "-x"])
def test_a_name_is_plain(url: str, name: str) -> None:
    """What looks alike is the same, and nothing in a name means anything to a page or a shell."""
    with pytest.raises(Refused, match="expected a name"), writing(url) as connection:
        people.add(connection, name, PASSWORD, [], act())


@pytest.mark.parametrize(("length", "taken"), [(14, False), (15, True), (200, True), (201, False)])
def test_a_password_has_fifteen_characters(length: int, *, taken: bool) -> None:
    """Fourteen are refused, and so are more than anybody types."""
    if taken:
        assert passwords.hashed("x" * length).startswith("$argon2id$")
    else:
        with pytest.raises(Refused, match="15 to 200"):
            passwords.hashed("x" * length)


def test_a_name_is_given_once(url: str) -> None:
    """The second is told so."""
    with pytest.raises(Refused, match="there is one"), writing(url) as connection:
        people.add(connection, "sato", PASSWORD, [], act())


def test_a_session_ends_by_idleness_by_age_and_by_signing_out(url: str) -> None:
    """One millisecond before each limit it is there, at the limit it is not."""
    with writing(url) as connection:
        account = people.find(connection, "sato")
        secret = sessions.begin(connection, account, act())
        found = sessions.find(connection, secret, NOW_MS + sessions.IDLE_MS - 1)
        assert found == (account, NOW_MS)
        assert sessions.find(connection, secret, NOW_MS + sessions.IDLE_MS) is None
        for hours in range(1, 13):
            sessions.touch(connection, secret, NOW_MS + hours * HOUR_MS - 1)
        assert sessions.find(connection, secret, NOW_MS + sessions.LONGEST_MS - 1) is not None
        assert sessions.find(connection, secret, NOW_MS + sessions.LONGEST_MS) is None
        assert sessions.find(connection, secret + "x", NOW_MS) is None
        sessions.end(connection, secret, act())
        assert sessions.find(connection, secret, NOW_MS + 1) is None


def test_a_new_password_or_an_end_signs_out(url: str) -> None:
    """Whoever stole a session loses it."""
    with writing(url) as connection:
        account = people.find(connection, "sato")
        first = sessions.begin(connection, account, act())
        people.set_password(connection, "sato", PASSWORD[::-1], act())
        assert sessions.find(connection, first, NOW_MS) is None
        second = sessions.begin(connection, account, act())
        people.disable(connection, "sato", act())
        assert sessions.find(connection, second, NOW_MS) is None


def test_a_person_has_ten_browsers_at_most(url: str) -> None:
    """The eleventh signs the oldest out; rows of sessions that are over go."""
    with writing(url) as connection:
        account = people.find(connection, "sato")
        secrets = [sessions.begin(connection, account, act(NOW_MS + n)) for n in range(sessions.MOST_A_PERSON + 1)]
        there = [sessions.find(connection, secret, NOW_MS + 20) is not None for secret in secrets]
        assert there == [False] + [True] * sessions.MOST_A_PERSON
        sessions.begin(connection, account, act(NOW_MS + DAY_MS))
        assert connection.exec_driver_sql("SELECT count(*) FROM account_session").scalar() == 1


def test_a_token_may_what_its_person_and_its_scopes_allow(url: str) -> None:
    """Taking a role away takes it from the tokens too; time, revoking and disabling end them."""
    with writing(url) as connection:
        account = people.find(connection, "sato")
        secret = tokens.issue(connection, account, "nightly", [Action.LOOK, Action.DISMISS], 1, act())
        token = tokens.find(connection, secret, NOW_MS + DAY_MS - 1)
        assert token is not None
        assert [token.may(action) for action in (Action.LOOK, Action.DISMISS, Action.REVEAL)] == [True, True, False]
        people.set_roles(connection, "sato", [Role.SUPPORT], act())
        token = tokens.find(connection, secret, NOW_MS)
        assert token is not None
        assert [token.may(action) for action in (Action.LOOK, Action.DISMISS)] == [True, False]
        assert tokens.find(connection, secret, NOW_MS + DAY_MS) is None
        tokens.revoke(connection, token.number, act())
        assert tokens.find(connection, secret, NOW_MS) is None


def test_a_token_is_for_something_that_its_person_may_and_for_a_while(url: str) -> None:
    """No scope, a scope beyond the roles, too long: refused; a number that is none: told."""
    with writing(url) as connection:
        account = people.find(connection, "sato")
        for scopes, days in (([], 1), ([Action.APPROVE], 1), ([Action.LOOK], 0), ([Action.LOOK], 367)):
            with pytest.raises(Refused, match="token"):
                tokens.issue(connection, account, "x", scopes, days, act())
        with pytest.raises(NotFound, match="no such token"):
            tokens.revoke(connection, 99, act())
        secret = tokens.issue(connection, account, "x", [Action.LOOK], 366, act())
        people.disable(connection, "sato", act())
        assert tokens.find(connection, secret, NOW_MS) is None


def test_an_answer_is_remembered_for_a_day(url: str) -> None:
    """By token and key; then it goes."""
    reply = replies.Reply(request="r", status=200, body="{}")
    with writing(url) as connection:
        account = people.find(connection, "sato")
        tokens.issue(connection, account, "x", [Action.LOOK], 9, act())
        replies.keep(connection, 1, "k", reply, NOW_MS)
        assert replies.find(connection, 1, "k", NOW_MS + replies.KEPT_MS - 1) == reply
        assert replies.find(connection, 1, "k", NOW_MS + replies.KEPT_MS) is None
        assert replies.find(connection, 1, "other", NOW_MS) is None
        replies.keep(connection, 1, "k", reply, NOW_MS + replies.KEPT_MS)


def test_no_secret_stands_in_the_database(tmp_path: Path) -> None:
    """Neither password nor session nor token: who reads the file cannot come in."""
    file = tmp_path / "cases.db"
    with writing(f"sqlite:///{file}") as connection:
        account = people.add(connection, "sato", PASSWORD, [Role.OPERATOR], act())
        given = [
            sessions.begin(connection, account, act()),
            tokens.issue(connection, account, "x", [Action.LOOK], 9, act()),
        ]
    text = "\n".join(content(file))
    assert "$argon2id$" in text
    assert not any(secret in text for secret in (PASSWORD, *given))


def test_the_step_goes_back_and_forth(database: str) -> None:
    """A program of the earlier form finds its tables; cases stay."""
    with writing(database) as connection:
        people.add(connection, "sato", PASSWORD, [], act())
        downgrade(connection, "0002")
        upgrade(connection)
        assert people.everybody(connection) == []
