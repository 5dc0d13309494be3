"""MAP-E (RFC 7597): which subscriber's IPv6 prefix stands behind a shared IPv4 address and a port.

The letters in comments are those of RFC 7597, section 5: a PSID offset, k PSID length, m = 16 - a - k, o number of
EA bits, r the length of the rule's IPv4 prefix, p = 32 - r.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Any

from sekisho.attribution.validity import OPEN_FROM_MS, OPEN_TO_MS
from sekisho.core.errors import ConfigError, InputError
from sekisho.core.reasons import UnattributedReason
from sekisho.core.time import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sekisho.core.address import IPNetwork

MAX_EA_BITS = 48
"""RFC 7598, section 4.1: "ea-len … Allowed values range from 0 to 48"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSet:
    """What one customer edge may use on the IPv4 side.

    Attributes:
        ipv4: one address, or a prefix where the rule assigns a whole one.
        psid: port-set identifier, None where the address is not shared.
        port_ranges: (first, last) pairs, both inclusive, ascending.
    """

    ipv4: IPv4Network
    psid: int | None
    port_ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRule:
    """A basic or forwarding mapping rule.

    Attributes:
        ea_bits: embedded-address bits that follow the rule's IPv6 prefix in the end-user prefix.
        psid_offset: leading port bits that no PSID fills; with an offset above 0 the ports below
            2^(16 - offset) belong to nobody.
        psid: provisioned PSID, where ``ea_bits`` is 0 and the address is shared.
        psid_length: provisioned where ``ea_bits`` is 0; otherwise it follows from ``ea_bits``.
        valid_from_ms, valid_to_ms: milliseconds UTC, from inclusive, to exclusive.

    Raises:
        ValueError: lengths that do not fit each other.
    """

    name: str
    ipv6_prefix: IPv6Network
    ipv4_prefix: IPv4Network
    ea_bits: int
    psid_offset: int = 6
    psid: int | None = None
    psid_length: int | None = None
    valid_from_ms: int = OPEN_FROM_MS
    valid_to_ms: int = OPEN_TO_MS

    def __post_init__(self) -> None:
        for key, fits, expected in self._conditions():
            if not fits:
                raise ValueError(f"{key}: expected {expected}, found {getattr(self, key)!r}")

    @property
    def ipv4_suffix_bits(self) -> int:
        """EA bits that number the IPv4 address: min(o, p)."""
        return min(self.ea_bits, 32 - self.ipv4_prefix.prefixlen)

    @property
    def psid_bits(self) -> int:
        """k: o - p, or as provisioned where there are no EA bits; 0 means that no port is shared."""
        if self.ea_bits == 0:
            return self.psid_length or 0
        return self.ea_bits - self.ipv4_suffix_bits

    @property
    def contiguous_bits(self) -> int:
        """m: a run of 2^m ports belongs to one PSID."""
        return 16 - self.psid_offset - self.psid_bits

    @property
    def end_user_length(self) -> int:
        """Length of the end-user IPv6 prefixes of this rule."""
        return self.ipv6_prefix.prefixlen + self.ea_bits

    def port_set(self, end_user_prefix: IPv6Network) -> PortSet:
        """IPv4 side of an end-user prefix (or of any prefix inside one).

        Raises:
            ValueError: the prefix is not inside the rule, or shorter than an end-user prefix.
        """
        if end_user_prefix.prefixlen < self.end_user_length or not end_user_prefix.subnet_of(self.ipv6_prefix):
            raise ValueError(f"a prefix of /{self.end_user_length} inside {self.ipv6_prefix}, not {end_user_prefix}")
        ea = int(end_user_prefix.network_address) >> (128 - self.end_user_length) & (1 << self.ea_bits) - 1
        ipv4 = self._ipv4(ea)
        if not self.psid_bits:
            return PortSet(ipv4=ipv4, psid=None, port_ranges=((0, 0xFFFF),))
        psid = self.psid if self.psid is not None else ea & (1 << self.psid_bits) - 1
        return PortSet(ipv4=ipv4, psid=psid, port_ranges=self.port_ranges(psid))

    def port_ranges(self, psid: int) -> tuple[tuple[int, int], ...]:
        """Ports of a PSID, (first, last) inclusive (RFC 7597, section 5.1).

        "For a > 0, A MUST be larger than 0. This ensures that the algorithm excludes the system ports."
        """
        a, m = self.psid_offset, self.contiguous_bits
        starts = (i << (16 - a) | psid << m for i in range(min(a, 1), 1 << a))
        return tuple((start, start + (1 << m) - 1) for start in starts)

    def end_user_prefix(self, address: IPv4Address, port: int) -> IPv6Network | UnattributedReason:
        """End-user prefix behind an IPv4 address of this rule and a port (0 = no port known).

        Returns:
            The prefix; ``NEEDS_PORT`` where the address is shared and there is no port, also with PSID offset 0,
            where port 0 would fall into PSID 0; ``PORT_OUTSIDE_SET`` where the port belongs to no PSID of the rule;
            ``NO_ASSIGNMENT`` where the address is not one of the rule's.
        """
        if address not in self.ipv4_prefix:
            return UnattributedReason.NO_ASSIGNMENT
        k = self.psid_bits
        suffix = int(address) - int(self.ipv4_prefix.network_address)
        ea = suffix >> (32 - self.ipv4_prefix.prefixlen - self.ipv4_suffix_bits)
        if k:
            if port == 0:
                return UnattributedReason.NEEDS_PORT
            psid = port >> self.contiguous_bits & (1 << k) - 1
            if self._reserved(port) or self.psid not in {None, psid}:
                return UnattributedReason.PORT_OUTSIDE_SET
            ea = ea << k | psid if self.ea_bits else 0
        return IPv6Network(
            (int(self.ipv6_prefix.network_address) | ea << 128 - self.end_user_length, self.end_user_length)
        )

    def valid_throughout(self, start_ms: int, end_ms: int) -> bool:
        """Whether the rule held from ``start_ms`` to ``end_ms``, both inclusive."""
        return self.valid_from_ms <= start_ms and end_ms < self.valid_to_ms

    def _ipv4(self, ea: int) -> IPv4Network:
        length = self.ipv4_prefix.prefixlen + self.ipv4_suffix_bits
        suffix = ea >> (self.psid_bits if self.ea_bits else 0)
        return IPv4Network((int(self.ipv4_prefix.network_address) | suffix << 32 - length, length))

    def _reserved(self, port: int) -> bool:
        return self.psid_offset > 0 and port < 1 << (16 - self.psid_offset)

    def _conditions(self) -> Iterable[tuple[str, bool, str]]:
        """(key, whether it fits, what is expected) rows."""
        yield "ea_bits", 0 <= self.ea_bits <= MAX_EA_BITS, f"0 to {MAX_EA_BITS} (RFC 7598)"
        yield "ea_bits", self.end_user_length <= 128, "at most 128 bits with the IPv6 prefix"
        yield "psid_offset", 0 <= self.psid_offset <= 15, "0 to 15 (RFC 7598)"
        provisioned = self.ea_bits == 0
        given = self.psid_length
        yield "psid_length", given is None or 0 <= given <= 16, "0 to 16"
        yield "psid_length", provisioned or given in {None, self.psid_bits}, f"none, it follows: {self.psid_bits}"
        yield "psid_offset", self.contiguous_bits >= 0, f"at most {16 - self.psid_bits}, the PSID takes the rest"
        if provisioned and self.psid_bits:
            yield "ipv4_prefix", self.ipv4_prefix.prefixlen == 32, "one address (/32) where the PSID is provisioned"
            yield "psid", self.psid is not None and 0 <= self.psid < 1 << self.psid_bits, f"{self.psid_bits} bits"
        else:
            yield "psid", self.psid is None, "none, only a rule of ea_bits = 0 with a psid_length has one"


def end_user_prefix(
    rules: Iterable[MapRule], address: IPv4Address, port: int, *, at_ms: int
) -> IPv6Network | UnattributedReason:
    """End-user prefix behind an IPv4 address and a port by the most specific rule valid at an instant.

    Several rules of one IPv4 prefix share it by PSID; two that both answer are an ``OVERLAP``.
    """
    matching = [r for r in rules if address in r.ipv4_prefix and r.valid_throughout(at_ms, at_ms)]
    longest = max((r.ipv4_prefix.prefixlen for r in matching), default=0)
    answers = {r.end_user_prefix(address, port) for r in matching if r.ipv4_prefix.prefixlen == longest}
    found = {a for a in answers if isinstance(a, IPv6Network)}
    if len(found) > 1:
        return UnattributedReason.OVERLAP
    return next(iter(found or answers), UnattributedReason.NO_ASSIGNMENT)


_TEXT, _NUMBER, _TIME = "a text", "a whole number", "a time with its zone"
_TYPES: dict[str, tuple[type, ...]] = {_TEXT: (str,), _NUMBER: (int,), _TIME: (str, datetime)}
_REQUIRED = {"name": _TEXT, "ipv6_prefix": _TEXT, "ipv4_prefix": _TEXT, "ea_bits": _NUMBER, "psid_offset": _NUMBER}
_OPTIONAL = {"psid": _NUMBER, "psid_length": _NUMBER, "valid_from": _TIME, "valid_to": _TIME}
_TIMES = ("valid_from", "valid_to")


def ipv4_of(rules: Iterable[MapRule], prefix: IPNetwork) -> tuple[IPv4Network, ...]:
    """What rules give to the holder of a prefix on the IPv4 side; nothing for IPv4 and for what no rule covers."""
    return tuple(
        rule.port_set(prefix).ipv4
        for rule in rules
        if isinstance(prefix, IPv6Network)
        and prefix.prefixlen >= rule.end_user_length
        and prefix.subnet_of(rule.ipv6_prefix)
    )


def load_map_e(path: Path) -> tuple[MapRule, ...]:
    """Rules of a TOML file, one ``[[rule]]`` each, in file order.

    Raises:
        InputError: unreadable, not TOML, or without a rule.
        ConfigError: a rule that does not fit; names the rule and the key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(path, f"expected MAP-E rules as TOML, found: {error}") from error
    rows = document.get("rule")
    if unknown := sorted(document.keys() - {"rule"}):
        raise ConfigError(path, unknown[0], expected="[[rule]] tables only", found=document[unknown[0]])
    if not isinstance(rows, list) or not rows:
        raise InputError(path, "expected at least one [[rule]], found none")
    return tuple(_rule(path, number, row) for number, row in enumerate(rows, start=1))


def _rule(path: Path, number: int, row: object) -> MapRule:
    if not isinstance(row, dict):
        raise ConfigError(path, f"rule {number}", expected="a [[rule]] table", found=row)
    place = f"rule {number} ({row.get('name', 'without a name')})"
    for key in [*_REQUIRED, *(row.keys() - _REQUIRED.keys())]:
        _check_key(path, place, row, key)
    values = {key: value for key, value in row.items() if key not in _TIMES}
    values["ipv6_prefix"] = _network(path, place, row, "ipv6_prefix", IPv6Network)
    values["ipv4_prefix"] = _network(path, place, row, "ipv4_prefix", IPv4Network)
    values |= {f"{key}_ms": _instant(path, place, row, key) for key in _TIMES if key in row}
    try:
        return MapRule(**values)
    except ValueError as error:
        key, _, problem = str(error).partition(": expected ")
        expected, _, _ = problem.rpartition(", found ")
        raise ConfigError(path, f"{place}: {key}", expected=expected, found=row.get(key)) from None


def _check_key(path: Path, place: str, row: dict[str, Any], key: str) -> None:
    expected = (_REQUIRED | _OPTIONAL).get(key)
    if expected is None:
        raise ConfigError(path, place, expected=f"keys {', '.join(_REQUIRED | _OPTIONAL)}", found=key)
    # TOML's true is a Python int; as a number of bits it is a mistake.
    if not isinstance(row.get(key), _TYPES[expected]) or isinstance(row[key], bool):
        raise ConfigError(path, f"{place}: {key}", expected=expected, found=row.get(key))


def _network(path: Path, place: str, row: dict[str, Any], key: str, version: type[Any]) -> Any:
    try:
        return version(row[key])
    except ValueError as error:
        expected = f"an {'IPv4' if version is IPv4Network else 'IPv6'} prefix ({error})"
        raise ConfigError(path, f"{place}: {key}", expected=expected, found=row[key]) from None


def _instant(path: Path, place: str, row: dict[str, Any], key: str) -> int:
    value = row[key]
    try:
        return parse_time(value.isoformat() if isinstance(value, datetime) else value)
    except ValueError:
        raise ConfigError(path, f"{place}: {key}", expected=_TIME, found=str(value)) from None
