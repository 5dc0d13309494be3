"""NAT events that the collector decodes: blocks and sessions (RFC 8158), and Nokia's records with a subscriber string.

``wire.decoder.Decoder(keep_nat_events=True).take_events()`` gives them.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from sekisho.attribution.sources.cgnat.block import Block, Change, Realms
from sekisho.core.reasons import SourceReason

if TYPE_CHECKING:
    from sekisho.attribution.sources.events import Event
    from sekisho.wire.options import Event as NatEvent

_ALLOCATED = frozenset({1, 4, 6, 8, 10, 16})
_RELEASED = frozenset({2, 5, 7, 9, 11, 17})
"""natEvent (RFC 8158, table 1): translations, NAT44 and NAT64 sessions, bindings, port blocks."""

SUBSCRIBER = "ie_637_93"
"""Nokia's aluNatSubString: ``LSN-Host@10.0.0.1``, or the subscriber itself with L2-aware NAT."""

_TIMES = ("observationTimeMilliseconds", "flowStartMilliseconds", "flowEndMilliseconds")


def read_event(record: NatEvent, *, realms: Realms, exporter: str) -> Event | SourceReason:
    """One record in the words of all sources; ``exporter`` is its sender's address."""
    fields = record.fields
    at_ms = next((fields[name] for name in _TIMES if fields.get(name)), None)
    if not isinstance(at_ms, int) or not 0 < at_ms < 1 << 48:
        return SourceReason.NO_TIME
    block = _block(fields)
    if isinstance(block, SourceReason):
        return block
    return block.event(realms, at_ms=at_ms, received_ms=record.received_at, server=exporter)


def _block(fields: dict[str, Any]) -> Block | SourceReason:
    change = _change(fields)
    if change is None:
        return SourceReason.NOT_RELEVANT
    holder, is_line = _holder(fields)
    if not holder:
        return SourceReason.NO_HOLDER
    outside, ports = fields.get("postNATSourceIPv4Address"), _ports(fields)
    if outside is None or ports is None:
        return SourceReason.NOTHING_HELD
    try:
        return Block(
            change=change,
            outside=IPv4Address(outside),
            port_first=ports[0],
            port_last=ports[1],
            holder=holder,
            is_line=is_line,
            session="" if "portRangeStart" in fields else _session(fields),
        )
    except (TypeError, ValueError):
        return SourceReason.MALFORMED


def _change(fields: dict[str, Any]) -> Change | None:
    event = fields.get("natEvent")
    if event in _ALLOCATED or (event is None and "flowStartMilliseconds" in fields):
        return Change.ALLOCATED
    if event in _RELEASED or (event is None and "flowEndMilliseconds" in fields):
        return Change.RELEASED
    return None


def _holder(fields: dict[str, Any]) -> tuple[str, bool]:
    """Text of an inside address, or a subscriber and True."""
    subscriber = _text(fields.get(SUBSCRIBER))
    _, separator, address = subscriber.rpartition("@")
    if separator:
        return address, False
    if subscriber:
        return subscriber, True
    return str(fields.get("sourceIPv4Address") or fields.get("sourceIPv6Address") or ""), False


def _ports(fields: dict[str, Any]) -> tuple[int, int] | None:
    """First and last port; a range with steps between its ports is more than one range, and is not told as one."""
    first = fields.get("portRangeStart", fields.get("postNAPTSourceTransportPort"))
    if not first or fields.get("portRangeStepSize", 1) not in {0, 1}:
        return None
    if "portRangeStart" not in fields:
        return first, first
    last = fields.get("portRangeEnd") or first + (fields.get("portRangeNumPorts") or 1) - 1
    return first, last


def _session(fields: dict[str, Any]) -> str:
    """A port is held until the last of its sessions ends: each destination is one."""
    names = (
        "protocolIdentifier",
        "postNATSourceIPv4Address",
        "postNAPTSourceTransportPort",
        "destinationIPv4Address",
        "destinationTransportPort",
        "flowId",
    )
    return " ".join(str(fields.get(name, "")) for name in names)


def _text(value: Any) -> str:
    """A string of an enterprise that the decoder does not know comes as its octets."""
    if isinstance(value, int):
        octets = value.to_bytes(8, "big").lstrip(b"\0")
    elif isinstance(value, str):
        try:
            octets = bytes.fromhex(value)
        except ValueError:
            return value.strip()
    else:
        return ""
    return octets.decode("utf-8", "replace").strip("\0 ")
