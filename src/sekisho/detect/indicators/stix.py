"""STIX 2.1: a bundle, or a list of objects, of which the indicators count.

A pattern is taken where addresses and ports say all of it: ``ipv4-addr:value`` and ``ipv6-addr:value`` with ``=``,
``IN`` and ``ISSUBSET``, and ``network-traffic`` with ``dst_ref``, ``dst_port`` and ``protocols``, joined by AND within
one observation and by OR anywhere. A pattern that asks for more (an order of observations, a file besides, NOT) would
match more than its author meant if a part of it were taken; it is left out and counted.

Source: STIX 2.1 (OASIS standard, June 2021), sections 4.7 and 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.detect.indicators.fields import network_of, port_of, protocol_of, time_of
from sekisho.detect.indicators.model import (
    ALWAYS_FROM_MS,
    ALWAYS_UNTIL_MS,
    Indicator,
    SkipError,
    SkipReason,
    label_of,
    tells_sinkhole,
)
from sekisho.detect.indicators.stix_pattern import alternatives_of, unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.core.address import IPNetwork
    from sekisho.detect.indicators.model import Entry
    from sekisho.detect.indicators.stix_pattern import Comparison

_ADDRESS_PATHS = ("ipv4-addr:value", "ipv6-addr:value", "network-traffic:dst_ref.value")
_PORT_PATH = "network-traffic:dst_port"
_PROTOCOL_PATH = "network-traffic:protocols[*]"
_IMPLIED_PATH = "network-traffic:dst_ref.type"
"""``ipv4-addr`` or ``ipv6-addr``, as the address beside it tells."""
_KNOWN_PATHS = {*_ADDRESS_PATHS, _PORT_PATH, _PROTOCOL_PATH, _IMPLIED_PATH}


def is_stix(document: Any) -> bool:
    """Whether a JSON document looks like STIX 2."""
    return any(True for _ in _objects(document))


def read(document: Any, name: str) -> Iterator[Entry]:
    """Entries of a document, one for every address that a pattern names."""
    for thing in _objects(document):
        if thing.get("type") != "indicator":
            continue
        place = f"{name}, {thing.get('id', 'an indicator without id')}"
        try:
            yield from _indicators(thing, place)
        except SkipError as skip:
            yield skip.at(place)


def _objects(document: Any) -> Iterator[Mapping[str, Any]]:
    objects = document.get("objects") if isinstance(document, dict) else document
    if isinstance(document, dict) and document.get("type") == "indicator":
        objects = [document]
    for thing in objects if isinstance(objects, list) else ():
        if isinstance(thing, dict) and "type" in thing and ("spec_version" in thing or "id" in thing):
            yield thing


def _indicators(thing: Mapping[str, Any], place: str) -> Iterator[Entry]:
    pattern = str(thing.get("pattern", ""))
    if thing.get("revoked", False):
        raise SkipError(SkipReason.NOT_FOR_DETECTION, expected="an indicator that is not revoked", found=pattern)
    if (kind := thing.get("pattern_type", "stix")) != "stix":
        raise SkipError(SkipReason.OTHER_KIND, expected="a pattern of type stix", found=kind)
    words = [str(thing.get(key, "")) for key in ("name", "description")]
    words += [str(thing.get(key, "")) for key in ("labels", "indicator_types")]
    valid_from_ms = _time(thing, "valid_from", ALWAYS_FROM_MS)
    valid_until_ms = _time(thing, "valid_until", ALWAYS_UNTIL_MS)
    for tests in alternatives_of(pattern):
        try:
            network, port, protocol = _destination(tests)
        except SkipError as skip:
            yield skip.at(place)
            continue
        yield Indicator(
            network=network,
            port=port,
            protocol=protocol,
            label=label_of(words[0] or words[1], default=place),
            source=place,
            is_sinkhole=tells_sinkhole(*words),
            valid_from_ms=valid_from_ms,
            valid_until_ms=valid_until_ms,
        )


def _time(thing: Mapping[str, Any], key: str, default: int) -> int:
    return time_of(str(thing[key])) if key in thing else default


def _destination(tests: tuple[Comparison, ...]) -> tuple[IPNetwork, int, int]:
    """Address, port and protocol of one alternative."""
    by_path = {test.path: test.value for test in tests}
    addresses = [by_path[path] for path in _ADDRESS_PATHS if path in by_path]
    found = " AND ".join(f"{test.path} = {test.value}" for test in tests)
    if not addresses and not _KNOWN_PATHS & set(by_path):
        expected = "an address that something connects to"
        raise SkipError(SkipReason.OTHER_KIND, expected=expected, found=found)
    if len(addresses) != 1 or set(by_path) - _KNOWN_PATHS or len(by_path) != len(tests):
        raise unsupported(found)
    protocol = by_path.get(_PROTOCOL_PATH, "")
    if protocol.lower() in {"ipv4", "ipv6"}:
        protocol = ""
    return network_of(addresses[0]), port_of(by_path.get(_PORT_PATH, "")), protocol_of(protocol)
