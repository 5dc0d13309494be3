"""CVE record format 5: the ``affected`` list of the CNA, which is often the maker itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.checkup.data.advisory import Advisory
from sekisho.checkup.data.version import VersionRange

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMELESS = ("", "n/a", "unknown", "unspecified")


def recognises(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is a CVE record."""
    return document.get("dataType") == "CVE_RECORD"


def date(document: Mapping[str, Any]) -> str:
    """Day of the last update."""
    metadata = document["cveMetadata"]
    return str(metadata.get("dateUpdated") or metadata.get("datePublished", ""))[:10]


def read(document: Mapping[str, Any]) -> list[Advisory]:
    """One advisory per affected product; a rejected record has none.

    Raises:
        KeyError: a record without id.
    """
    cve = document["cveMetadata"]["cveId"]
    rows = document.get("containers", {}).get("cna", {}).get("affected", [])
    named = [row for row in rows if row.get("vendor", "").lower() not in _NAMELESS]
    return [
        Advisory(cve=cve, maker=row["vendor"], product=row["product"], source="cve", ranges=_ranges(row))
        for row in named
        if row.get("product", "").lower() not in _NAMELESS
    ]


def _ranges(row: Mapping[str, Any]) -> tuple[VersionRange, ...]:
    affected = [v for v in row.get("versions", []) if v.get("status") == "affected"]
    return tuple(_range(version) for version in affected if version.get("version", "") not in _NAMELESS)


def _range(version: Mapping[str, Any]) -> VersionRange:
    start = "" if version["version"] in ("0", "*") else version["version"]
    if "lessThan" in version:
        end = "" if version["lessThan"] == "*" else version["lessThan"]
        return VersionRange(start=start, end=end)
    if "lessThanOrEqual" in version:
        end = "" if version["lessThanOrEqual"] == "*" else version["lessThanOrEqual"]
        return VersionRange(start=start, end=end, end_included=True)
    return VersionRange.exactly(version["version"])
