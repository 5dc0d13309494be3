"""XARF 4: reports as JSON, checked against the schema that the format's own package brings; and XARF 3, read as it is.

A report in XARF 3 often lacks what 4 requires; its address, port and time are all that is needed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sekisho.cases.evidence.categories import of_xarf, of_xarf_3
from sekisho.cases.evidence.model import PROTOCOLS, Entry, Parsed, shortened
from sekisho.core.address import parse_address
from sekisho.core.reasons import ReportReason
from sekisho.core.time import parse_time

if TYPE_CHECKING:
    from sekisho.cases.evidence.categories import Category


def read_xarf(content: bytes) -> Parsed:
    """One report, a list of them, or one a line."""
    parsed = Parsed()
    for document in _documents(content, parsed):
        parsed.add(_entry(document))
    return parsed


def is_xarf(document: object) -> bool:
    """Whether a JSON document is meant as XARF, 4 or 3."""
    return isinstance(document, dict) and ("xarf_version" in document or {"Version", "Report"} <= document.keys())


def validated(document: dict[str, Any]) -> dict[str, Any] | None:
    """The document, or None where the schema of XARF 4 refuses it."""
    from xarf import parse

    try:
        return None if parse(document).errors else document
    except Exception:  # noqa: BLE001 - whatever a foreign document makes the package raise, the document is refused
        return None


def _documents(content: bytes, parsed: Parsed) -> list[dict[str, Any]]:
    text = content.decode("utf-8-sig", "replace").strip()
    whole = _load(text)
    if isinstance(whole, ReportReason) and "\n" in text:
        loaded: list[object] = [_load(line) for line in text.splitlines() if line.strip()]
        if all(isinstance(one, ReportReason) for one in loaded):
            loaded = [whole]
    else:
        loaded = whole if isinstance(whole, list) else [whole]
    documents: list[dict[str, Any]] = []
    for one in loaded:
        if isinstance(one, ReportReason):
            parsed.dropped[one] += 1
        elif isinstance(one, dict) and is_xarf(one):
            documents.append(one)
        else:
            parsed.dropped[ReportReason.UNKNOWN_SHAPE] += 1
    return documents


def _load(text: str) -> Any:
    """The JSON value of a text, or the reason why there is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return ReportReason.MALFORMED if text.endswith(("}", "]")) else ReportReason.TRUNCATED


def _entry(document: dict[str, Any]) -> Entry | ReportReason:
    if "xarf_version" not in document:
        return _entry_3(document)
    report = validated(document)
    if report is None:
        return ReportReason.INVALID
    return _made(
        source=report["reporter"]["org"],
        category=of_xarf(report["category"], report["type"]),
        address=report["source_identifier"],
        port=report.get("source_port") or 0,
        protocol=report.get("protocol"),
        time=report["timestamp"],
        says=shortened(f"{report['category']}/{report['type']}", *_words(report)),
    )


def _entry_3(document: dict[str, Any]) -> Entry | ReportReason:
    try:
        report, reporter = document["Report"], document["ReporterInfo"]
        kind = report["ReportType"]
        return _made(
            source=reporter["ReporterOrg"],
            category=of_xarf_3(kind),
            address=report["Source"].get("IP", ""),
            port=report["Source"].get("Port") or 0,
            protocol=report.get("AdditionalInfo", {}).get("Protocol"),
            time=report["Date"],
            says=shortened(f"{report['ReportClass']}/{kind}"),
        )
    except (KeyError, TypeError, AttributeError):
        return ReportReason.INVALID


def _made(
    *, source: str, category: Category, address: str, port: object, protocol: object, time: str, says: str
) -> Entry | ReportReason:
    try:
        parsed_address = parse_address(address)
    except ValueError:
        return ReportReason.NO_ADDRESS
    try:
        observed_at_ms = parse_time(time)
    except ValueError:
        return ReportReason.NO_TIME
    if not isinstance(port, int) or not 0 <= port <= 0xFFFF:
        return ReportReason.MALFORMED
    return Entry(
        source=shortened(source),
        category=category,
        observed_at_ms=observed_at_ms,
        address=parsed_address,
        port=port,
        protocol=PROTOCOLS.get(str(protocol or "").lower()),
        says=says,
    )


def _words(report: dict[str, Any]) -> list[str]:
    names = ("malware_family", "attack_vector", "service", "cve_id", "description")
    return [value for name in names if isinstance(value := report.get(name), str)]
