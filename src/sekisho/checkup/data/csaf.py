"""CSAF 2.0 (and VEX): the product tree of a maker's advisory, and which of its products are affected."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sekisho.checkup.data.advisory import Advisory
from sekisho.checkup.data.version import VersionRange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BOUND = re.compile(r"(?P<operator><=|>=|<|>|=)\s*(?P<version>[^|]+)")
_DEPTH = 12
"""Deepest branch that is followed; CSAF sets no limit, real trees have three or four levels."""


@dataclass(frozen=True, slots=True)
class _Product:
    maker: str = ""
    name: str = ""
    ranges: tuple[VersionRange, ...] = ()


def recognises(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document is a CSAF advisory."""
    return "csaf_version" in document.get("document", {})


def date(document: Mapping[str, Any]) -> str:
    """Day of the current release."""
    return str(document["document"]["tracking"]["current_release_date"])[:10]


def read(document: Mapping[str, Any]) -> list[Advisory]:
    """One advisory per vulnerability and affected product; "known not affected" and "fixed" give none."""
    products = dict(_products(document.get("product_tree", {}).get("branches", []), _Product(), 0))
    return [
        Advisory(cve=row["cve"], maker=product.maker, product=product.name, source="csaf", ranges=product.ranges)
        for row in document.get("vulnerabilities", [])
        if "cve" in row
        for product_id in row.get("product_status", {}).get("known_affected", [])
        if (product := products.get(product_id)) is not None
    ]


def _products(branches: list[Mapping[str, Any]], above: _Product, depth: int) -> Iterator[tuple[str, _Product]]:
    for branch in branches if depth < _DEPTH else []:
        here = _with(above, branch.get("category", ""), branch.get("name", ""))
        if "product" in branch:
            yield branch["product"]["product_id"], here
        yield from _products(branch.get("branches", []), here, depth + 1)


def _with(above: _Product, category: str, name: str) -> _Product:
    match category:
        case "vendor":
            return replace(above, maker=name)
        case "product_name":
            return replace(above, name=name)
        case "product_version":
            return replace(above, ranges=(VersionRange.exactly(name),))
        case "product_version_range":
            return replace(above, ranges=(_range(name),))
        case _:
            return above


def _range(text: str) -> VersionRange:
    """``vers:…/>=1.0|<1.4`` or the plain ``<1.4`` that many advisories have."""
    span = VersionRange()
    for bound in _BOUND.finditer(text):
        operator, version = bound["operator"], bound["version"].strip()
        if operator == "=":
            return VersionRange.exactly(version)
        if operator.startswith(">"):
            span = replace(span, start=version, start_included=operator == ">=")
        else:
            span = replace(span, end=version, end_included=operator == "<=")
    return span
