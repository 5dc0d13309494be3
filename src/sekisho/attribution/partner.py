"""Addresses that only a partner can tie to a line (a VNE, an access carrier): the question, the reply, what is open.

Pure data: a question's number follows from what it asks, so that asking twice is one question, and whoever shows a case
keeps the ``Exchange`` beside it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sekisho.attribution.outcome import Attributed, Unattributed
from sekisho.attribution.tabular import Tabular
from sekisho.core.reasons import UnattributedReason
from sekisho.core.time import JST, iso, to_datetime

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sekisho.attribution.tabular import Block
    from sekisho.core.address import IPAddress, IPNetwork

COLUMNS = ("question", "address", "port", "protocol", "time_utc", "time_jst", "contract")
"""A query has every column, ``contract`` empty; the reply is the same rows with it filled in."""

UNKNOWN = "unknown"
"""What a partner writes as ``contract`` where it knows no holder either."""

_REPLACED = frozenset({UnattributedReason.NOT_OURS, UnattributedReason.NO_ASSIGNMENT})
"""Other reasons say that we know the address: the partner is not asked for what a port or a realm would tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """Who holds the assignments of some prefixes."""

    name: str
    prefixes: tuple[IPNetwork, ...]


class State(StrEnum):
    """How far a question is."""

    ASKED = "asked"
    ANSWERED = "answered"
    UNKNOWN_TO_PARTNER = "unknown_to_partner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who held this address and port at this time?

    Attributes:
        protocol: IANA number.
        at_ms: milliseconds UTC.
    """

    partner: str
    address: IPAddress
    port: int
    protocol: int
    at_ms: int

    @property
    def number(self) -> str:
        """The same question has the same number."""
        asked = f"{self.address} {self.port} {self.protocol} {self.at_ms}"
        return hashlib.blake2b(asked.encode(), digest_size=8).hexdigest()

    def cells(self) -> dict[str, str]:
        """The row of a query: times in UTC and in JST, so that nobody converts them."""
        return {
            "question": self.number,
            "address": str(self.address),
            "port": str(self.port),
            "protocol": str(self.protocol),
            "time_utc": iso(self.at_ms),
            "time_jst": to_datetime(self.at_ms).astimezone(JST).isoformat(timespec="milliseconds"),
            "contract": "",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question and what became of it.

    Attributes:
        line_id: the contract that the partner named.
    """

    question: Question
    asked_at_ms: int
    state: State = State.ASKED
    answered_at_ms: int | None = None
    line_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For a case's page and for programs."""
        return {
            **{name: cell for name, cell in self.question.cells().items() if name != "contract"},
            "partner": self.question.partner,
            "state": self.state.value,
            "asked_at": iso(self.asked_at_ms),
            "answered_at": None if self.answered_at_ms is None else iso(self.answered_at_ms),
            "line_id": self.line_id,
        }


def partner_of(address: IPAddress, partners: Iterable[Partner]) -> Partner | None:
    """Whose prefix an address is in; the longest one counts."""
    holding = [
        (prefix.prefixlen, partner)
        for partner in partners
        for prefix in partner.prefixes
        if prefix.version == address.version and address in prefix
    ]
    return max(holding, key=lambda found: found[0])[1] if holding else None


def with_partners(
    outcome: Attributed | Unattributed, address: IPAddress, partners: Sequence[Partner]
) -> Attributed | Unattributed:
    """The same outcome, or ``held_by_partner`` where we have no assignment and a partner has."""
    if isinstance(outcome, Attributed):
        return outcome
    partner = partner_asked(outcome.reason, address, partners)
    if partner is None:
        return outcome
    return replace(
        outcome,
        reason=UnattributedReason.HELD_BY_PARTNER,
        explanation=f"only {partner.name} knows who held the address",
    )


def partner_asked(reason: UnattributedReason, address: IPAddress, partners: Iterable[Partner]) -> Partner | None:
    """Who alone may know the holder of an address for which we have this reason; None where we know the address."""
    return partner_of(address, partners) if reason in _REPLACED else None


def query_csv(questions: Iterable[Question]) -> str:
    """A query as people send it; each question once."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({question.number: question.cells() for question in questions}.values())
    return text.getvalue()


def query_json(questions: Iterable[Question]) -> str:
    """The same for programs."""
    rows = list({question.number: question.cells() for question in questions}.values())
    return json.dumps({"schema": "sekisho.partner_query/1", "questions": rows}, ensure_ascii=False, indent=1)


def read_reply(path: Path, asked: Iterable[Exchange], *, now_ms: int) -> tuple[Exchange, ...]:
    """What was asked, with the replies of a file in it; what the file does not name stays as it was.

    Raises:
        InputError: a row that answers another question than it repeats, or one that nobody asked: a wrong line is worse
            than no line, so none is guessed or left out.
    """
    exchanges = {exchange.question.number: exchange for exchange in asked}
    file = Tabular.open(path)
    file.check_columns(COLUMNS, ())
    for block in file.blocks():
        columns = {name: block.texts(name).fill_null("").to_pylist() for name in COLUMNS}
        for row in range(block.rows.num_rows):
            _take(block, row, {name: column[row] for name, column in columns.items()}, exchanges, now_ms)
    return tuple(exchanges.values())


def _take(block: Block, row: int, cells: dict[str, str], exchanges: dict[str, Exchange], now_ms: int) -> None:
    exchange = exchanges.get(cells["question"])
    if exchange is None:
        raise block.refuse(row, "question", expected="one that was asked", found=cells["question"])
    for name, expected in exchange.question.cells().items():
        if name != "contract" and cells[name] != expected:
            raise block.refuse(row, name, expected=f"{expected}, as it was asked", found=cells[name])
    contract = cells["contract"].strip()
    if not contract:
        return
    if exchange.line_id not in {None, contract}:
        raise block.refuse(row, "contract", expected=f"{exchange.line_id}, as answered before", found=contract)
    known = contract != UNKNOWN
    exchanges[cells["question"]] = replace(
        exchange,
        state=State.ANSWERED if known else State.UNKNOWN_TO_PARTNER,
        answered_at_ms=now_ms,
        line_id=contract if known else None,
    )
