"""``sekisho users``: accounts and tokens, made on the machine alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sekisho.cases.accounts import people, tokens
from sekisho.cases.database import reading, writing
from sekisho.cases.lifecycle import Act
from sekisho.cases.roles import Action, Role
from sekisho.cli import users
from sekisho.cli.hunt import caller
from sekisho.core.errors import InputError, Refused
from sekisho.core.time import now_ms

PASSWORD = "a quiet checkpoint on the old road"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'cases.db'}"


def run(*words: str, given: str = "") -> str:
    result = CliRunner().invoke(users.app, list(words), input=given)
    if result.exception is not None:
        raise result.exception
    return result.output


def test_the_first_account_is_made_by_whoever_has_the_database(url: str) -> None:
    """Made, given other roles and another password, disabled."""
    run("add", "abe", "--role", "operator", "--cases", url, given=f"{PASSWORD}\n")
    run("roles", "abe", "--role", "operator", "--role", "approver", "--cases", url)
    assert run("list", "--cases", url) == "abe\tapprover,operator\tenabled\n"
    run("password", "abe", "--cases", url, given=f"{PASSWORD[::-1]}\n")
    with reading(url) as connection:
        assert people.checked(connection, "abe", PASSWORD) is None
        account = people.checked(connection, "abe", PASSWORD[::-1])
        assert account is not None
        assert account.roles == {Role.OPERATOR, Role.APPROVER}
    run("disable", "abe", "--cases", url)
    assert "disabled" in run("list", "--cases", url)


def test_a_token_is_shown_once_and_revoked_by_its_number(url: str) -> None:
    """What is printed opens what its scopes say."""
    run("add", "abe", "--role", "operator", "--cases", url, given=f"{PASSWORD}\n")
    secret = run("token", "abe", "--name", "nightly", "--scope", "look", "--cases", url).strip()
    with reading(url) as connection:
        found = tokens.find(connection, secret, now_ms())
    assert found is not None
    assert found.may(Action.LOOK)
    assert secret not in run("list", "--cases", url)
    run("token", "abe", "--revoke", "1", "--cases", url)
    with reading(url) as connection:
        assert tokens.find(connection, secret, now_ms()) is None
    with pytest.raises(InputError, match="--scope"):
        run("token", "abe", "--cases", url)


def test_a_short_password_makes_no_account(url: str) -> None:
    """The sentence says how long it has to be."""
    with pytest.raises(Refused, match="15 to 200"):
        run("add", "abe", "--role", "operator", "--cases", url, given="short\n")


def test_where_there_is_an_admin_an_admin_is_asked_for(url: str) -> None:
    """Somebody else neither adds nor looks; an admin does, and so does everybody once no admin may come in."""
    run("add", "somebody", "--role", "admin", "--cases", url, given=f"{PASSWORD}\n")
    for words in (("list",), ("disable", "somebody"), ("roles", "somebody", "--role", "support")):
        with pytest.raises(Refused, match="role admin"):
            run(*words, "--cases", url)
    with writing(url) as connection:
        act = Act(actor="somebody", purpose="own_network_protection", at_ms=now_ms())
        people.add(connection, caller(), PASSWORD, [Role.ADMIN], act)
    run("disable", "somebody", "--cases", url)
    run("disable", caller(), "--cases", url)
    run("add", "abe", "--role", "admin", "--cases", url, given=f"{PASSWORD}\n")
