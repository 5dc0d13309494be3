"""Shadowserver's daily reports: CSV, times in UTC, the address and port of the reported side.

Source: The Shadowserver Foundation, "Reports": every timestamp is UTC+0; event reports name our side ``src_``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

from sekisho.cases.evidence.categories import of_shadowserver
from sekisho.cases.evidence.columns import Columns, header, read_rows

if TYPE_CHECKING:
    from sekisho.cases.evidence.model import Parsed

_COMMON = {"timestamp", "asn", "geo", "region", "city", "ip", "tag", "naics"}
"""Of these columns, or of their ``src_`` forms, every report has several."""
_ENOUGH = 3

_DATE = re.compile(r"^\d{4}-\d\d-\d\d-")


def is_shadowserver(content: bytes) -> bool:
    """Whether the header of a CSV is one of theirs."""
    names = header(content)
    return "timestamp" in names and len({name.removeprefix("src_") for name in names} & _COMMON) >= _ENOUGH


def read_shadowserver(content: bytes, name: str) -> Parsed:
    """The rows of a report; its name (of the file, without the date) says what it is about."""
    report = _DATE.sub("", name).partition(".")[0]
    columns = Columns(
        source=f"Shadowserver {report}",
        category=of_shadowserver(report),
        address=("src_ip", "ip"),
        observed_at=("timestamp",),
        zone=UTC,
        port=(),
        protocol=("protocol",),
        says=("infection", "family", "tag", "reason", "status", "category", "version"),
    )
    # In an event report ``port`` would be the other side's.
    ours = ("src_port",) if "src_ip" in header(content) else ("port",)
    return read_rows(content, replace(columns, port=ours))
