"""Everything known about makers and models: the files of a data directory, each told apart by what it holds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date as Date  # noqa: N812 # `date` is what the readers call their function
from typing import TYPE_CHECKING, Any

from sekisho.checkup.data import csaf, cve5, kev, models, myjvn, nvd, securitytxt
from sekisho.checkup.data.advisory import Advisory, Concern, concern, key
from sekisho.checkup.data.models import Models, shipped
from sekisho.checkup.jobs import NoAnswer
from sekisho.core.errors import InputError
from sekisho.core.time import to_datetime
from sekisho.measures.report import DataSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from sekisho.checkup.data.models import ModelRecord
    from sekisho.checkup.data.securitytxt import SecurityTxt

JSON_READERS = {"kev": kev, "nvd": nvd, "cve": cve5, "csaf": csaf}
"""Name of a data set -> its reader; a JSON file belongs to the first that recognises it."""


SECURITY_TXT = ".security.txt"
"""A maker's security.txt is kept as ``<maker>.security.txt``, since the file does not say whose it is."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One file: which data set it belongs to, of which day, and what it says."""

    name: str
    date: str
    advisories: list[Advisory]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Advisories, the table of models, makers' security.txt, and how old each data set is."""

    advisories: tuple[Advisory, ...] = ()
    models: Models = field(default_factory=shipped)
    sources: tuple[DataSource, ...] = ()
    contacts: Mapping[str, SecurityTxt] = field(default_factory=dict)

    def contact(self, maker: str, now_ms: int) -> str:
        """First contact of a maker's security.txt that has not expired, "" without one (which proves nothing)."""
        found = self.contacts.get(key(maker))
        return found.contacts[0] if found is not None and found.holds(to_datetime(now_ms)) else ""

    def concerning(self, *, maker: str, model: str, firmware: str) -> dict[Concern, list[Advisory]]:
        """Advisories that concern a device, by how."""
        found: dict[Concern, list[Advisory]] = {}
        for advisory in self.advisories:
            how = concern(advisory, maker=maker, model=model, firmware=firmware)
            if how is not None:
                found.setdefault(how, []).append(advisory)
        return found

    @property
    def date(self) -> str:
        """Day of the oldest vulnerability data set, "" without any."""
        return min((source.date for source in self.sources), default="")


def load(directory: Path | None, now_ms: int) -> Knowledge:
    """Every file of a directory (and below it); without a directory only the table of models.

    Raises:
        InputError: a file that no reader recognises or can read; nothing is passed over silently.
    """
    if directory is None:
        return Knowledge()
    advisories: list[Advisory] = []
    records: list[ModelRecord] = []
    dates: dict[str, str] = {}
    for path in sorted(p for p in directory.rglob("*") if p.suffix in (".json", ".xml")):
        found = _read(path)
        if isinstance(found, DataSet):
            advisories += found.advisories
            dates[found.name] = max(found.date, dates.get(found.name, ""))
        else:
            records += found
    contacts = {
        key(path.name.removesuffix(SECURITY_TXT)): _contact(path) for path in directory.rglob(f"*{SECURITY_TXT}")
    }
    return Knowledge(
        advisories=tuple(advisories),
        models=shipped().updated(records),
        sources=tuple(_sources(dates, now_ms)),
        contacts=contacts,
    )


def _sources(dates: dict[str, str], now_ms: int) -> Iterable[DataSource]:
    today = to_datetime(now_ms).date()
    for name, day in sorted(dates.items()):
        yield DataSource(name=name, date=day, age_days=max((today - Date.fromisoformat(day)).days, 0))


def _contact(path: Path) -> SecurityTxt:
    try:
        return securitytxt.read(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(path, f"it cannot be read: {error}") from error


def _read(path: Path) -> DataSet | list[ModelRecord]:
    octets = path.read_bytes()
    try:
        if path.suffix == ".xml" and myjvn.recognises(octets):
            return DataSet("jvn", _day(myjvn.date(octets)), myjvn.read(octets))
        document: dict[str, Any] = json.loads(octets)
        if models.recognises(document):
            return models.read(document)
        for name, reader in JSON_READERS.items():
            if reader.recognises(document):
                return DataSet(name, _day(reader.date(document)), reader.read(document))
    except (ValueError, KeyError, TypeError, AttributeError, NoAnswer) as error:
        raise InputError(path, f"it cannot be read: {error!r}") from error
    raise InputError(path, "neither KEV, NVD 2.0, CVE record 5, CSAF 2.0, MyJVN nor a table of models")


def _day(text: str) -> str:
    """The day itself, if it is one: how old a data set is must never be a guess."""
    return Date.fromisoformat(text).isoformat()
