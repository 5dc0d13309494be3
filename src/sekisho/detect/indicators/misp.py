"""MISP JSON: one event, the answer of a search, a list of either, or the events of a feed.

Only attributes that their authors marked for detection (``to_ids``) count: the others are context. ``ip-dst`` and
``ip-dst|port`` name what malware connects to; ``ip-src`` is taken as an address alone. An object that holds one
destination port gives it to its addresses.

Source: MISP core format (Internet-Draft ``draft-dulaunoy-misp-core-format``), sections 2.2 to 2.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.detect.indicators.fields import network_of, port_of, seen_range
from sekisho.detect.indicators.model import Indicator, SkipError, SkipReason, label_of, tells_sinkhole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.detect.indicators.model import Entry

TYPES = ("ip-dst", "ip-dst|port", "ip-src")


def is_misp(document: Any) -> bool:
    """Whether a JSON document looks like one of MISP's forms."""
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and any(key in first for key in ("Event", "Attribute", "response"))


def is_manifest(document: Any) -> bool:
    """Whether a JSON document is the list of a feed's events: identifier -> what the event is about."""
    if not isinstance(document, dict) or not document:
        return False
    return all(isinstance(about, dict) and "info" in about and "timestamp" in about for about in document.values())


def read(document: Any, name: str) -> Iterator[Entry]:
    """Entries of a document."""
    for event in _events(document):
        info = str(event.get("info", ""))
        event_words = " ".join((info, *_tags(event)))
        for attribute, port in _attributes(event):
            place = f"{name}, attribute {attribute.get('uuid') or attribute.get('id') or attribute.get('value')}"
            try:
                yield _indicator(attribute, port, info=info, event_words=event_words, place=place)
            except SkipError as skip:
                yield skip.at(place)


def _events(document: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(document, list):
        for part in document:
            yield from _events(part)
    elif isinstance(document, dict):
        if "response" in document:
            yield from _events(document["response"])
        elif isinstance(document.get("Event"), dict):
            yield document["Event"]
        elif "Attribute" in document:
            yield document


def _attributes(event: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Attributes of an event and of its objects, each with the destination port that its object tells, or ""."""
    yield from ((attribute, "") for attribute in _dicts(event, "Attribute"))
    for thing in _dicts(event, "Object"):
        attributes = list(_dicts(thing, "Attribute"))
        ports = {str(a.get("value")) for a in attributes if a.get("object_relation") == "dst-port"}
        deleted = thing.get("deleted", False)
        port = ports.pop() if len(ports) == 1 else ""
        yield from (
            ({**attribute, "deleted": deleted or attribute.get("deleted", False)}, port) for attribute in attributes
        )


def _dicts(of: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    inner = of.get(key)
    yield from (entry for entry in (inner if isinstance(inner, list) else ()) if isinstance(entry, dict))


def _indicator(attribute: Mapping[str, Any], port: str, *, info: str, event_words: str, place: str) -> Indicator:
    kind, value = str(attribute.get("type", "")), str(attribute.get("value", ""))
    if kind not in TYPES:
        raise SkipError(SkipReason.OTHER_KIND, expected=f"an attribute of type {', '.join(TYPES)}", found=kind)
    if not attribute.get("to_ids", False) or attribute.get("deleted", False):
        expected = "an attribute with to_ids that is not deleted"
        raise SkipError(SkipReason.NOT_FOR_DETECTION, expected=expected, found=value)
    if kind == "ip-dst|port":
        value, _, port = value.partition("|")
    elif kind == "ip-src":
        port = ""
    comment = str(attribute.get("comment") or "")
    valid_from_ms, valid_until_ms = seen_range(
        str(attribute.get("first_seen") or ""), str(attribute.get("last_seen") or "")
    )
    return Indicator(
        network=network_of(value),
        port=port_of(port),
        protocol=0,
        label=label_of(comment or info, default=place),
        source=place,
        is_sinkhole=tells_sinkhole(comment, event_words, *_tags(attribute)),
        valid_from_ms=valid_from_ms,
        valid_until_ms=valid_until_ms,
    )


def _tags(of: Mapping[str, Any]) -> list[str]:
    return [str(tag.get("name", "")) for tag in _dicts(of, "Tag")]
