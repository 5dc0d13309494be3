"""The tables of who may come in: accounts, their sessions, tokens for programs, answers that were given to programs.

No secret stands here: passwords as Argon2id, session and token secrets as SHA-256 of 256 random bits.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text

from sekisho.cases.tables import METADATA, UtcTime

_ACCOUNT = "account.id"

ACCOUNT = Table(
    "account",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("password", Text, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
)
"""A person; ``password`` is the encoded hash with its parameters. Rows stay: the audit trail names them."""

SESSION = Table(
    "account_session",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("account_id", Integer, ForeignKey(_ACCOUNT), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Index("ix_account_session_account_id", "account_id"),
)
"""Who is signed in; a row goes when its person signs out, when its time is over, or with the account."""

TOKEN = Table(
    "api_token",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, ForeignKey(_ACCOUNT), nullable=False),
    Column("name", String(100), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Index("ix_api_token_account_id", "account_id"),
)
"""A program that acts for a person: never more than the person's roles, never more than its scopes."""

REPLY = Table(
    "api_reply",
    METADATA,
    Column("token_id", Integer, ForeignKey("api_token.id"), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_api_reply_at", "at"),
)
"""What was answered to an ``Idempotency-Key``: asked again, a program gets the same answer and nothing happens."""
