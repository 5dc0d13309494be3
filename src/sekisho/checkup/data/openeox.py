"""Support ends in the shape of OpenEoX core 1.0 (draft): ``end_of_security_support``, ``end_of_life``, "tba"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TO_BE_ANNOUNCED = "tba"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportEnd:
    """Ends of support; None = not announced.

    Attributes:
        last_updated: when the statement was last looked at.
    """

    security_support: datetime | None
    life: datetime | None
    last_updated: datetime

    @property
    def decisive(self) -> datetime | None:
        """The end that matters here: of security support, else of life."""
        return self.security_support or self.life


def read(record: Mapping[str, Any]) -> SupportEnd:
    """One record of the core schema.

    Raises:
        KeyError: ``last_updated`` is missing.
        ValueError: a value that is neither a date-time with zone nor "tba".
    """
    updated = _moment(record["last_updated"])
    if updated is None:
        raise ValueError("last_updated must be a date-time")
    return SupportEnd(
        security_support=_moment(record.get("end_of_security_support", TO_BE_ANNOUNCED)),
        life=_moment(record.get("end_of_life", TO_BE_ANNOUNCED)),
        last_updated=updated,
    )


def _moment(text: str) -> datetime | None:
    if text == TO_BE_ANNOUNCED:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a date-time with its zone or {TO_BE_ANNOUNCED!r}, not {text!r}")
    return moment
