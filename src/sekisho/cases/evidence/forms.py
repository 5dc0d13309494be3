"""How third parties write their reports; the command line names the forms without loading what reads them."""

from __future__ import annotations

from enum import StrEnum


class ReportForm(StrEnum):
    """Forms that a person can name; without a name the file itself tells."""

    SHADOWSERVER = "shadowserver"
    XARF = "xarf"
    CSV = "csv"
