"""A file of a third party: which form it has, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.cases.evidence.columns import read_rows
from sekisho.cases.evidence.forms import ReportForm
from sekisho.cases.evidence.mail import attachments, is_mail
from sekisho.cases.evidence.model import Parsed
from sekisho.cases.evidence.shadowserver import is_shadowserver, read_shadowserver
from sekisho.cases.evidence.xarf import read_xarf
from sekisho.core.errors import InputError
from sekisho.core.reasons import ReportReason

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.cases.evidence.columns import Columns

MAX_OCTETS = 64 << 20
"""A daily report of a large network has a few megabytes."""


def read_report(path: Path, *, form: ReportForm | None = None, columns: Columns | None = None) -> Parsed:
    """The entries of a file; what could not be used is counted beside them.

    Raises:
        InputError: unreadable, too large, or without a single entry: that is never "all well".
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_OCTETS + 1)
    except OSError as error:
        raise InputError(path, f"expected a report, found: {error.strerror}") from error
    if len(content) > MAX_OCTETS:
        raise InputError(path, f"expected a report of at most {MAX_OCTETS >> 20} MiB, found a larger file")
    parsed = Parsed()
    if is_mail(content):
        for name, attached in attachments(content, parsed.dropped):
            _read(attached, name, form, columns, parsed)
    else:
        _read(content, path.name, form, columns, parsed)
    if not parsed.entries:
        reasons = ", ".join(f"{reason.value} {count}" for reason, count in _named(parsed))
        raise InputError(path, f"expected at least one entry, found none ({reasons or 'the file is empty'})")
    return parsed


def _named(parsed: Parsed) -> list[tuple[ReportReason, int]]:
    return sorted(parsed.dropped.items(), key=lambda item: item[0].value)


def _read(content: bytes, name: str, form: ReportForm | None, columns: Columns | None, into: Parsed) -> None:
    form = form or _form(content, columns)
    if form is ReportForm.SHADOWSERVER:
        part = read_shadowserver(content, name)
    elif form is ReportForm.XARF:
        part = read_xarf(content)
    elif form is ReportForm.CSV and columns is not None:
        part = read_rows(content, columns)
    else:
        into.dropped[ReportReason.UNKNOWN_SHAPE] += 1
        return
    into.entries += part.entries
    into.dropped += part.dropped


def _form(content: bytes, columns: Columns | None) -> ReportForm | None:
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        return ReportForm.XARF
    if is_shadowserver(content):
        return ReportForm.SHADOWSERVER
    return ReportForm.CSV if columns is not None else None
