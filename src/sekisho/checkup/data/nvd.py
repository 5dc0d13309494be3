"""NVD CVE API 2.0: CPE 2.3 names with version ranges. A CVE without CPE is not "not vulnerable": it is not analysed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sekisho.checkup.data.advisory import Advisory
from sekisho.checkup.data.version import VersionRange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_UNESCAPED_COLON = re.compile(r"(?<!\\):")
_ANY = ("*", "-", "")


def recognises(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is an answer of the API."""
    return document.get("format") == "NVD_CVE"


def date(document: Mapping[str, Any]) -> str:
    """Day of the answer."""
    return str(document["timestamp"])[:10]


def read(document: Mapping[str, Any]) -> list[Advisory]:
    """One advisory per vulnerable CPE match.

    Raises:
        KeyError: a row without CVE id.
    """
    return [advisory for row in document["vulnerabilities"] for advisory in _of_cve(row["cve"])]


def _of_cve(cve: Mapping[str, Any]) -> Iterator[Advisory]:
    for configuration in cve.get("configurations", []):
        for node in configuration.get("nodes", []):
            for match in node.get("cpeMatch", []):
                if match.get("vulnerable"):
                    yield _advisory(cve["id"], match, exploited="cisaExploitAdd" in cve)


def _advisory(cve: str, match: Mapping[str, Any], *, exploited: bool) -> Advisory:
    parts = [part.replace("\\", "") for part in _UNESCAPED_COLON.split(match["criteria"])]
    vendor, product, version = parts[3], parts[4], parts[5]
    return Advisory(
        cve=cve,
        maker=vendor.replace("_", " "),
        product=product.replace("_", " "),
        source="nvd",
        exploited=exploited,
        ranges=_ranges(version, match),
    )


def _ranges(version: str, match: Mapping[str, Any]) -> tuple[VersionRange, ...]:
    if version not in _ANY:
        return (VersionRange.exactly(version),)
    bounded = VersionRange(
        start=match.get("versionStartIncluding", match.get("versionStartExcluding", "")),
        start_included="versionStartExcluding" not in match,
        end=match.get("versionEndIncluding", match.get("versionEndExcluding", "")),
        end_included="versionEndIncluding" in match,
    )
    return (bounded,) if bounded.start or bounded.end else ()
