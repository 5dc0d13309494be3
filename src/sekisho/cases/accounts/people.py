"""Accounts: a name, a password, roles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from sekisho.cases import audit
from sekisho.cases.account_tables import ACCOUNT, SESSION, TOKEN
from sekisho.cases.accounts import passwords
from sekisho.cases.roles import Role
from sekisho.core.errors import NotFound, Refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, RowMapping

    from sekisho.cases.lifecycle import Act

NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
"""What a name may be: lower case, so that two that look alike are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person."""

    number: int
    name: str
    roles: frozenset[Role]
    created_at_ms: int
    disabled_at_ms: int | None

    @property
    def is_enabled(self) -> bool:
        """Whether the person may come in."""
        return self.disabled_at_ms is None


def add(connection: Connection, name: str, password: str | None, roles: Collection[Role], act: Act) -> Account:
    """Let a person come in; without a password by a proxy's word alone, and on the command line.

    Raises:
        Refused: the name or the password is none, or somebody has the name.
    """
    if NAME.fullmatch(name) is None:
        raise Refused(
            f"account: expected a name of a-z, 0-9 and . _ @ -, at most 64 characters, found {name!r}",
            f"アカウント名は a-z、0-9、. _ @ - の 64 文字以内にしてください（入力: {name!r}）",
        )
    if connection.execute(select(ACCOUNT.c.id).where(ACCOUNT.c.name == name)).first() is not None:
        raise Refused(f"account: there is one of the name {name}", f"アカウント {name} はすでにあります")
    encoded = passwords.NONE if password is None else passwords.hashed(password)
    row = {"name": name, "password": encoded, "roles": sorted(roles), "created_at": act.at_ms}
    connection.execute(insert(ACCOUNT).values(**row))
    audit.append(connection, "account_added", act, details={"account": name, "roles": sorted(roles)})
    return find(connection, name)


def find(connection: Connection, name: str) -> Account:
    """The account of a name.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(select(ACCOUNT).where(ACCOUNT.c.name == name)).mappings().one_or_none()
    if row is None:
        raise NotFound("case database", f"expected the name of an account, found {name!r}: there is no such account")
    return of_row(row)


def everybody(connection: Connection) -> list[Account]:
    """All accounts by name."""
    return [of_row(row) for row in connection.execute(select(ACCOUNT).order_by(ACCOUNT.c.name)).mappings()]


def roles_of(connection: Connection, person: str) -> frozenset[Role]:
    """What a person may be who is known to the machine, not by a password: none without an enabled account of the name.

    As long as there is no account at all, whoever can open the database looks after it, and lets nothing leave.
    """
    if connection.execute(select(ACCOUNT.c.id).limit(1)).first() is None:
        return frozenset({Role.OPERATOR, Role.AUDITOR})
    account = enabled(connection, person.lower())
    return frozenset() if account is None else account.roles


def enabled(connection: Connection, name: str) -> Account | None:
    """The account of a name whose person may come in; whoever asks has made sure who they are."""
    wanted = (ACCOUNT.c.name == name, ACCOUNT.c.disabled_at.is_(None))
    row = connection.execute(select(ACCOUNT).where(*wanted)).mappings().one_or_none()
    return None if row is None else of_row(row)


def has(connection: Connection, role: Role) -> bool:
    """Whether anybody who may come in has a role."""
    return any(account.is_enabled and role in account.roles for account in everybody(connection))


def set_roles(connection: Connection, name: str, roles: Collection[Role], act: Act) -> Account:
    """Give a person other roles; they hold from the next page on.

    Raises:
        NotFound: there is no such account.
    """
    account = find(connection, name)
    connection.execute(update(ACCOUNT).where(ACCOUNT.c.id == account.number).values(roles=sorted(roles)))
    audit.append(connection, "account_roles", act, details={"account": name, "roles": sorted(roles)})
    return find(connection, name)


def set_password(connection: Connection, name: str, password: str, act: Act) -> None:
    """Give a person another password; whoever is signed in under the name is signed out.

    Raises:
        NotFound: there is no such account.
        Refused: the password is none.
    """
    account = find(connection, name)
    connection.execute(
        update(ACCOUNT).where(ACCOUNT.c.id == account.number).values(password=passwords.hashed(password))
    )
    connection.execute(delete(SESSION).where(SESSION.c.account_id == account.number))
    audit.append(connection, "account_password", act, details={"account": name})


def disable(connection: Connection, name: str, act: Act) -> None:
    """Keep a person out from now on, with all sessions and tokens.

    Raises:
        NotFound: there is no such account.
    """
    account = find(connection, name)
    mine = TOKEN.c.account_id == account.number
    connection.execute(update(ACCOUNT).where(ACCOUNT.c.id == account.number).values(disabled_at=act.at_ms))
    connection.execute(delete(SESSION).where(SESSION.c.account_id == account.number))
    connection.execute(update(TOKEN).where(mine, TOKEN.c.revoked_at.is_(None)).values(revoked_at=act.at_ms))
    audit.append(connection, "account_disabled", act, details={"account": name})


def checked(connection: Connection, name: str, password: str) -> Account | None:
    """The account whose name and password these are; None says no more than that they are not."""
    row = connection.execute(select(ACCOUNT).where(ACCOUNT.c.name == name)).mappings().one_or_none()
    fits = passwords.fits(None if row is None else row["password"], password)
    if row is None or not fits or row["disabled_at"] is not None:
        return None
    return of_row(row)


def of_row(row: RowMapping) -> Account:
    """The account of a row of its table."""
    return Account(
        number=row["id"],
        name=row["name"],
        roles=frozenset(Role(role) for role in row["roles"]),
        created_at_ms=row["created_at"],
        disabled_at_ms=row["disabled_at"],
    )
