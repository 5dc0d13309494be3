"""MyJVN (JVN iPedia), ``getVulnOverviewList``: maker and product per entry, no versions, so a hit is a question."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sekisho.checkup.data.advisory import Advisory
from sekisho.checkup.probes.xml import each, first_text, local, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_CPE_22 = re.compile(r"cpe:/[aho]:(?P<vendor>[^:]+):(?P<product>[^:]+)")


def recognises(octets: bytes) -> bool:
    """Whether an XML document is an answer of the API."""
    return b"jvndb.jvn.jp" in octets[:4096] or b"jvnrss" in octets[:4096]


def date(octets: bytes) -> str:
    """Day of the newest entry."""
    return max((e.text or "")[:10] for e in parse(octets).iter() if local(e) in ("date", "modified"))


def read(octets: bytes) -> list[Advisory]:
    """One advisory per entry and product.

    Raises:
        NoAnswer: not well-formed XML.
    """
    return [advisory for item in each(parse(octets), "item") for advisory in _of_item(item)]


def _of_item(item: Element) -> Iterator[Advisory]:
    identifier = first_text(item, "identifier")
    for element in each(item, "cpe"):
        found = _CPE_22.match((element.text or "").strip())
        vendor = element.get("vendor") or (found["vendor"] if found else "")
        product = element.get("product") or (found["product"].replace("_", " ") if found else "")
        if vendor and product:
            yield Advisory(cve=identifier, maker=vendor, product=product, source="jvn")
