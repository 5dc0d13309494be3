"""Tables of what a subscriber does by himself: codes told anew, sessions of the portal, devices, check-up reports."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table

from sekisho.cases.tables import METADATA, UtcTime

_CASE = "subscriber_case.id"

CODE = Table(
    "case_code",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey(_CASE), nullable=False),
    Column("code", String(19), nullable=False, unique=True),
    Column("issued_at", UtcTime, nullable=False),
    Column("issued_by", String(100), nullable=False),
    Index("ix_case_code_case_id", "case_id"),
)
"""Codes that a person issued anew; the newest of a case stands for every one before it, also those of notices."""

SESSION = Table(
    "portal_session",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("case_id", Integer, ForeignKey(_CASE), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Index("ix_portal_session_case_id", "case_id"),
)
"""Who is in the portal; SHA-256 of the cookie's secret, never the secret."""

DEVICE = Table(
    "case_device",
    METADATA,
    Column("case_id", Integer, ForeignKey(_CASE), primary_key=True),
    Column("device", String(20), primary_key=True),
    Column("at", UtcTime, nullable=False),
)
"""Kinds of device that the subscriber says to have."""

REPORT = Table(
    "case_report",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey(_CASE), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("generated_at", UtcTime, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("verdicts", JSON, nullable=False),
    Index("ix_case_report_case_id", "case_id"),
)
"""A check-up report that was handed in: its SHA-256 and how many verdicts of each sort it has for each measure. The
file itself, with names and addresses of a household's devices, is not kept."""
