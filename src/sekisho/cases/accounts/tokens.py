"""Tokens for programs: each acts for a person, within the person's roles and its own scopes, until a day."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from sekisho.cases import audit
from sekisho.cases.account_tables import ACCOUNT, TOKEN
from sekisho.cases.accounts.people import of_row
from sekisho.cases.accounts.sessions import SECRET_OCTETS, digest_of
from sekisho.cases.policy import DAY_MS
from sekisho.cases.roles import ROLES, Action
from sekisho.core.errors import NotFound, Refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, RowMapping

    from sekisho.cases.accounts.people import Account
    from sekisho.cases.lifecycle import Act

PREFIX = "sekisho_"
"""By which a scanner of source code finds a token that was committed by mistake."""

MAX_DAYS = 366
"""A secret that nobody has replaced for a year is one that nobody remembers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token, without its secret.

    Attributes:
        scopes: what it may do, of what its person may.
    """

    number: int
    account: Account
    name: str
    scopes: frozenset[Action]
    expires_at_ms: int
    revoked_at_ms: int | None

    def may(self, action: Action) -> bool:
        """Whether both the person's roles and the scopes allow it."""
        return action in self.scopes and bool(self.account.roles & ROLES[action])


def issue(connection: Connection, account: Account, name: str, scopes: Collection[Action], days: int, act: Act) -> str:
    """Make a token.

    Returns:
        the secret; it is shown once and kept nowhere.

    Raises:
        Refused: no scope, one that the person's roles do not give, or a wrong number of days.
    """
    if not 1 <= days <= MAX_DAYS:
        raise Refused(
            f"token: expected 1 to {MAX_DAYS} days, found {days}",
            f"トークンの有効期間は 1 日以上 {MAX_DAYS} 日以下にしてください（入力: {days} 日）",
        )
    beyond = sorted(scope for scope in scopes if not account.roles & ROLES[scope])
    if beyond or not scopes:
        found = ", ".join(beyond) or "-"
        raise Refused(
            f"token: expected scopes that the roles of {account.name} give, found {found}",
            f"トークンのスコープは、{account.name} の役割で許される範囲から選んでください（入力: {found}）",
        )
    secret = PREFIX + secrets.token_urlsafe(SECRET_OCTETS)
    row = {
        "account_id": account.number, "name": name, "digest": digest_of(secret), "scopes": sorted(scopes),
        "created_at": act.at_ms, "expires_at": act.at_ms + days * DAY_MS,
    }  # fmt: skip
    connection.execute(insert(TOKEN).values(**row))
    details = {"account": account.name, "token": name, "scopes": sorted(scopes), "days": days}
    audit.append(connection, "token_issued", act, details=details)
    return secret


def find(connection: Connection, secret: str, now_ms: int) -> Token | None:
    """The token of a secret, unless its time is over or it was revoked."""
    wanted = (TOKEN.c.digest == digest_of(secret), TOKEN.c.expires_at > now_ms, TOKEN.c.revoked_at.is_(None))
    rows = _joined(connection, *wanted, ACCOUNT.c.disabled_at.is_(None))
    return rows[0] if rows else None


def of_everybody(connection: Connection) -> list[Token]:
    """All tokens, the newest first, those that are over included."""
    return _joined(connection)


def revoke(connection: Connection, number: int, act: Act) -> None:
    """Keep a program out from now on.

    Raises:
        NotFound: there is no such token.
    """
    mine = TOKEN.c.id == number
    if connection.execute(select(TOKEN.c.id).where(mine)).first() is None:
        raise NotFound("case database", f"expected the number of a token, found {number}: there is no such token")
    connection.execute(update(TOKEN).where(mine, TOKEN.c.revoked_at.is_(None)).values(revoked_at=act.at_ms))
    audit.append(connection, "token_revoked", act, details={"token": number})


_OF_THE_TOKEN = {f"token_{name}": TOKEN.c[name] for name in ("id", "name", "scopes", "expires_at", "revoked_at")}


def _joined(connection: Connection, *wanted: object) -> list[Token]:
    columns = [column.label(label) for label, column in _OF_THE_TOKEN.items()]
    query = select(ACCOUNT, *columns).join(TOKEN, TOKEN.c.account_id == ACCOUNT.c.id).where(*wanted)  # type: ignore[arg-type]
    return [_token(row) for row in connection.execute(query.order_by(TOKEN.c.id.desc())).mappings()]


def _token(row: RowMapping) -> Token:
    return Token(
        number=row["token_id"],
        account=of_row(row),
        name=row["token_name"],
        scopes=frozenset(Action(scope) for scope in row["token_scopes"] if scope in set(Action)),
        expires_at_ms=row["token_expires_at"],
        revoked_at_ms=row["token_revoked_at"],
    )
