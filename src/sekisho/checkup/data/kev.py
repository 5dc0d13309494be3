"""CISA Known Exploited Vulnerabilities: maker and product with known attacks; it names no versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.checkup.data.advisory import Advisory

if TYPE_CHECKING:
    from collections.abc import Mapping


def recognises(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is a KEV catalogue."""
    return "catalogVersion" in document and "vulnerabilities" in document


def date(document: Mapping[str, Any]) -> str:
    """Day of the catalogue."""
    return str(document["dateReleased"])[:10]


def read(document: Mapping[str, Any]) -> list[Advisory]:
    """Every row as an exploited advisory.

    Raises:
        KeyError: a row without id, vendor or product.
    """
    return [
        Advisory(cve=row["cveID"], maker=row["vendorProject"], product=row["product"], source="kev", exploited=True)
        for row in document["vulnerabilities"]
    ]
