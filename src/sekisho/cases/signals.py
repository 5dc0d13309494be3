"""How many independent measurements speak for a case. Independent means another source, not another detector."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from sekisho.cases.work_tables import SIGNAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection


class Source(StrEnum):
    """Who else measured it; flow records are the one that every case begins with."""

    RADIUS = "radius"
    THIRD_PARTY = "third_party"
    CHECKUP = "checkup"


VOLUME_KINDS = frozenset(
    {"udp_flood", "tcp_syn_flood", "tcp_flood", "icmp_flood", "gre_flood", "fragment_flood", "http_flood", "dns_flood",
     "reflection"}
)  # fmt: skip
"""Kinds that show in the octets which an access server counts."""

RADIUS_SHARE = 0.5
"""Interim updates that cover the time must show this much of the estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One further measurement of a case.

    Attributes:
        share: what it shows of the estimated volume, 0 to 1 and above; None where it measures no volume.
        detail: where it comes from, without addresses.
    """

    source: Source
    at_ms: int
    share: float | None = None
    detail: str = ""


def add(connection: Connection, case_id: int, signal: Signal) -> None:
    """Note a signal; the same one again is noted once."""
    row = {
        "case_id": case_id, "source": signal.source.value, "at": signal.at_ms, "share": signal.share,
        "detail": signal.detail,
    }  # fmt: skip
    same = [SIGNAL.c[name] == value for name, value in row.items() if name != "share"]
    if connection.execute(select(SIGNAL.c.id).where(*same)).first() is None:
        connection.execute(insert(SIGNAL).values(**row))


def of_case(connection: Connection, case_id: int) -> list[Signal]:
    """What was noted."""
    rows = connection.execute(select(SIGNAL).where(SIGNAL.c.case_id == case_id).order_by(SIGNAL.c.id)).mappings()
    return [
        Signal(source=Source(row["source"]), at_ms=row["at"], share=row["share"], detail=row["detail"]) for row in rows
    ]


def independent(kind: str, signals: Iterable[Signal]) -> int:
    """How many sources speak for a kind: flow detectors, and boundaries, count once together."""
    counted = {
        signal.source
        for signal in signals
        if signal.source is not Source.RADIUS or (kind in VOLUME_KINDS and (signal.share or 0) >= RADIUS_SHARE)
    }
    return 1 + len(counted)
