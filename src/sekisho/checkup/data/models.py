"""The open table of support ends and contacts (``data/models/*.json``): per maker and model, dated and sourced."""

from __future__ import annotations

import json
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sekisho.checkup.data import openeox
from sekisho.checkup.data.advisory import key
from sekisho.core.time import JST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

SCHEMA = "sekisho.models/1"
_REQUIRED = {"maker", "source", "recorded"}
_ALLOWED = _REQUIRED | {"model", "support", "precision", "latest_firmware", "contact", "firmware_page", "note"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """One row.

    Attributes:
        model: "" for what holds for every model of the maker.
        precision: "day" or "month"; a month's end is held as its last moment.
        source: where a person can read it; never another copy of this table.
        recorded: day on which somebody looked.
    """

    maker: str
    model: str
    support: openeox.SupportEnd | None
    precision: str
    latest_firmware: str
    contact: str
    firmware_page: str
    source: str
    recorded: str

    def ended(self, now: datetime) -> bool | None:
        """Whether support is over, None while no end is announced."""
        end = self.support.decisive if self.support else None
        return None if end is None else end <= now

    @property
    def until(self) -> str:
        """The end as far as it is known: a day or a month."""
        end = self.support.decisive if self.support else None
        if end is None:
            return ""
        return end.strftime("%Y-%m" if self.precision == "month" else "%Y-%m-%d")


class Models:
    """Rows by maker and model."""

    def __init__(self, records: Iterable[ModelRecord]) -> None:
        self._records = {(key(r.maker), key(r.model)): r for r in records}

    def updated(self, records: Iterable[ModelRecord]) -> Models:
        """The same table with some rows added or replaced."""
        return Models([*self._records.values(), *records])

    def of(self, maker: str, model: str) -> ModelRecord | None:
        """The row of a model."""
        return self._records.get((key(maker), key(model)))

    def of_maker(self, maker: str) -> ModelRecord | None:
        """The row that holds for every model of a maker."""
        return self._records.get((key(maker), ""))


@cache
def shipped() -> Models:
    """The table that comes with the program."""
    texts = [entry.read_text("utf-8") for entry in table().iterdir() if entry.name.endswith(".json")]
    return Models([record for text in texts for record in read(json.loads(text))])


def from_reply(maker: str, model: str, reply: Mapping[str, Any], row: ModelRecord | None) -> ModelRecord:
    """The maker's reply to its sheet of questions, over the row that the table has: a dated source like any other.

    Raises:
        ValueError: ``support_until`` is neither a day nor a month, or ``date`` is no day.
    """
    recorded = date.fromisoformat(reply["date"]).isoformat()
    until = str(reply.get("support_until", ""))
    row = row or ModelRecord(
        maker=maker,
        model=model,
        support=None,
        precision="day",
        latest_firmware="",
        contact="",
        firmware_page="",
        source="",
        recorded="",
    )
    return replace(
        row,
        support=_announced(until, recorded) if until else row.support,
        precision=("month" if len(until) == len("2028-03") else "day") if until else row.precision,
        latest_firmware=str(reply.get("latest_firmware", row.latest_firmware)),
        contact=str(reply.get("contact", row.contact)),
        source=str(reply["source"]),
        recorded=recorded,
    )


def _announced(until: str, recorded: str) -> openeox.SupportEnd:
    """A day or a month by its last second, in Japan, where the table's makers announce theirs."""
    first = date.fromisoformat(until if len(until) > len("2028-03") else f"{until}-01")
    last = first if len(until) > len("2028-03") else first.replace(day=monthrange(first.year, first.month)[1])
    end = datetime.combine(last, time(23, 59, 59), JST)
    updated = datetime.combine(date.fromisoformat(recorded), time(), JST)
    return openeox.SupportEnd(security_support=end, life=None, last_updated=updated)


def recognises(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is such a table."""
    return document.get("schema") == SCHEMA


def read(document: Mapping[str, Any]) -> list[ModelRecord]:
    """Rows of one file.

    Raises:
        ValueError: a row that breaks a rule of the contribution guide; the sentence names the row and the rule.
    """
    return [_record(number, row) for number, row in enumerate(document["models"], 1)]


def _record(number: int, row: Mapping[str, Any]) -> ModelRecord:
    if missing := _REQUIRED - set(row):
        raise ValueError(f"row {number}: {', '.join(sorted(missing))} missing")
    if unknown := set(row) - _ALLOWED:
        raise ValueError(f"row {number}: {', '.join(sorted(unknown))} means nothing here")
    if not str(row["source"]).strip():
        raise ValueError(f"row {number}: a fact without a source")
    if row.get("precision", "day") not in ("day", "month"):
        raise ValueError(f"row {number}: precision is day or month")
    return ModelRecord(
        maker=row["maker"],
        model=row.get("model", ""),
        support=openeox.read(row["support"]) if "support" in row else None,
        precision=row.get("precision", "day"),
        latest_firmware=row.get("latest_firmware", ""),
        contact=row.get("contact", ""),
        firmware_page=row.get("firmware_page", ""),
        source=row["source"],
        recorded=row["recorded"],
    )


def table() -> Traversable:
    """The folder of the table: beside this module once installed; a checkout keeps it at its top, where people look."""
    installed = files(__package__).joinpath("models")
    return installed if installed.is_dir() else Path(__file__).parents[4] / "data" / "models"
