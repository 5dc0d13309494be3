"""One accounting record, wherever it comes from, as events.

RFC 2866 (accounting), 2869 (gigawords, Event-Timestamp), 3162, 4818 and 6911 (IPv6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from sekisho.attribution.sources.events import Begin, Confirm, End, Held, Restarted
from sekisho.core.reasons import SourceReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sekisho.attribution.sources.events import Event
    from sekisho.core.address import IPNetwork

Attributes = dict[str, list[str]]
"""Values by attribute name, as text, in the order of the record."""

START, STOP, INTERIM, ON, OFF = "start", "stop", "interim-update", "accounting-on", "accounting-off"
_STATUS = {"1": START, "2": STOP, "3": INTERIM, "7": ON, "8": OFF, "alive": INTERIM}

_NO_MASK = {"255.255.255.255", "255.255.255.254"}
"""RFC 2865, section 5.9: a netmask of the link is no network; 255.255.255.254 stands for the NAS's choice in 5.8."""

_LATEST_MS = 60_000
"""An event may be that much after its receipt: clocks of servers differ by less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How an operator's records are read.

    Attributes:
        line: template of the line's identifier; ``{User-Name}`` is normalised. Never the NAS: on reconnect a line may
            land on another one.
        realm: address realm of the sessions.
        confirm_every_ms: interval of interim records; else what the record says (Acct-Interim-Interval).
        static: prefixes of business lines by line, which their sessions hold too.
    """

    line: str = "{User-Name}"
    realm: str = ""
    confirm_every_ms: int | None = None
    static: Mapping[str, Sequence[IPNetwork]] = field(default_factory=dict)


def event_of(record: Attributes, received_ms: int, rules: Rules) -> Event | SourceReason:
    """The event of a record; ``received_ms`` is when the server, or we, got it."""
    status = _status(record)
    if status is None:
        return SourceReason.UNKNOWN_SHAPE
    server = _first(record, "NAS-Identifier", "NAS-IP-Address", "NAS-IPv6-Address")
    at_ms = _time(record, received_ms)
    if at_ms is None or at_ms > received_ms + _LATEST_MS:
        return SourceReason.NO_TIME
    if server is None:
        return SourceReason.NO_SESSION
    if status in {ON, OFF}:
        return Restarted(at_ms=at_ms, received_ms=received_ms, server=server)
    return _of_session(record, status, at_ms, received_ms, server, rules)


def line_of(record: Attributes, template: str) -> str | None:
    """The line that a template names; None where the record lacks what the template asks for."""
    values = _Values(record)
    try:
        return template.format_map(values) or None
    except KeyError:
        return None


def normalised(user_name: str) -> str:
    """A User-Name without blanks at its ends, in lower case: servers compare it so, and people type it as they like."""
    return user_name.strip().lower()


class _Values(dict[str, str]):
    def __init__(self, record: Attributes) -> None:
        super().__init__({name: values[0] for name, values in record.items() if values and values[0]})
        if "User-Name" in self:
            self["User-Name"] = normalised(self["User-Name"])


def _of_session(
    record: Attributes, status: str, at_ms: int, received_ms: int, server: str, rules: Rules
) -> Event | SourceReason:
    session, line = _first(record, "Acct-Session-Id"), line_of(record, rules.line)
    if session is None:
        return SourceReason.NO_SESSION
    if line is None:
        return SourceReason.NO_HOLDER
    try:
        held = tuple(dict.fromkeys(_held(record, rules, line)))
        every = rules.confirm_every_ms or int(_first(record, "Acct-Interim-Interval") or 0) * 1000 or None
        since, octets = _since(record, at_ms), _octets(record)
    except ValueError:
        return SourceReason.MALFORMED
    common = {"at_ms": at_ms, "received_ms": received_ms, "server": server, "session": session, "holder": line}
    known: dict[str, Any] = {**common, "held": held}
    if status == STOP:
        return End(**known, since_ms=since, octets_up=octets)
    if status == INTERIM:
        return Confirm(**known, since_ms=since, octets_up=octets, confirm_every_ms=every)
    # The address may follow in the first interim; without one a beginning tells nothing.
    return Begin(**known, confirm_every_ms=every) if held else SourceReason.NOTHING_HELD


def _since(record: Attributes, at_ms: int) -> int | None:
    seconds = _first(record, "Acct-Session-Time")
    return None if seconds is None else at_ms - int(seconds) * 1000


def _status(record: Attributes) -> str | None:
    text = (_first(record, "Acct-Status-Type") or "").lower()
    status = _STATUS.get(text, text)
    return status if status in {START, STOP, INTERIM, ON, OFF} else None


def _time(record: Attributes, received_ms: int) -> int | None:
    """Event-Timestamp if present (NTT's Start has none), else receipt less the time that the NAS kept trying."""
    stamp = _first(record, "Event-Timestamp")
    try:
        if stamp is not None:
            return _stamp_ms(stamp)
        return received_ms - int(_first(record, "Acct-Delay-Time") or 0) * 1000
    except ValueError:
        return None


def _stamp_ms(text: str) -> int:
    """Seconds since 1970, or FreeRADIUS's text of it, ``Nov 24 2026 12:00:00 UTC`` or ``… JST``."""
    if text.isdigit():
        return int(text) * 1000
    from sekisho.attribution.sources.radius.text_time import with_zone

    return with_zone(text)


def _held(record: Attributes, rules: Rules, line: str) -> Iterator[Held]:
    for prefix in _prefixes(record):
        yield Held(prefix=prefix, realm=rules.realm)
    for prefix in rules.static.get(line, ()):
        yield Held(prefix=prefix, realm=rules.realm)


def _prefixes(record: Attributes) -> Iterator[IPNetwork]:
    mask = _first(record, "Framed-IP-Netmask") or "255.255.255.255"
    for address in record.get("Framed-IP-Address", ()):
        if address not in {"255.255.255.255", "255.255.255.254"}:
            yield ip_network(address) if mask in _NO_MASK else ip_network(f"{address}/{mask}", strict=False)
    for route in record.get("Framed-Route", ()):
        yield ip_network(_classful(route.split()[0]), strict=False)
    for name in ("Framed-IPv6-Prefix", "Delegated-IPv6-Prefix"):
        for prefix in record.get(name, ()):
            yield ip_network(prefix, strict=False)
    for route in record.get("Framed-IPv6-Route", ()):
        yield ip_network(route.split()[0], strict=False)
    for address in record.get("Framed-IPv6-Address", ()):
        yield ip_network(ip_address(address.split("/")[0]))


def _classful(destination: str) -> str:
    """RFC 2865, section 5.22: without a length the class of the address gives it."""
    if "/" in destination:
        return destination
    first = int(destination.split(".", maxsplit=1)[0])
    return f"{destination}/{8 if first < 128 else 16 if first < 192 else 24}"


def _octets(record: Attributes) -> int | None:
    """Acct-Input-Octets are from the subscriber; every 2^32 of them count in Acct-Input-Gigawords."""
    low = _first(record, "Acct-Input-Octets")
    if low is None:
        return None
    return int(low) + (int(_first(record, "Acct-Input-Gigawords") or 0) << 32)


def _first(record: Attributes, *names: str) -> str | None:
    return next((record[name][0] for name in names if record.get(name) and record[name][0]), None)
