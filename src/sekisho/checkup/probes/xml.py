"""XML from devices: no document type, no entities, bounded by the gate's octets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.jobs import NoAnswer, Status
from sekisho.checkup.probes.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element


def parse(octets: bytes) -> Element:
    """The root element.

    Raises:
        NoAnswer: not well-formed, or it declares a document type: no device needs one, bombs do.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(octets.strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise NoAnswer(Status.GARBLED, type(error).__name__) from error
    return root


def local(element: Element) -> str:
    """Name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def each(root: Element, name: str) -> Iterator[Element]:
    """Every element of that name, in any namespace: devices disagree about them."""
    return (element for element in root.iter() if local(element) == name)


def first_text(root: Element, name: str, length: int = 200) -> str:
    """Printable text of the first element of that name, "" without one."""
    return next((printable(element.text or "", length) for element in each(root, name)), "")
