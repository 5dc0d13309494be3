"""Attribution as slow and as obvious as possible: every rule in the words of the design, over plain Python lists.

Nothing of ``sekisho.attribution`` is used here but the reasons' names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from ipaddress import ip_address, ip_network

from sekisho.core.reasons import UnattributedReason as Reason

FOREVER = 10**15
IPV4_MAPPED = 0xFFFF << 32
PORTED = (6, 17, 33, 132)
SPECIAL_USE = ("10.0.0.0/8", "100.64.0.0/10", "192.168.0.0/16", "198.18.0.0/15", "fc00::/7", "fe80::/10")


@cache
def number(address):
    address = ip_address(address)
    return int(address) | IPV4_MAPPED if address.version == 4 else int(address)


@cache
def span(text):
    """First and last address of a prefix as 128-bit numbers, and its family."""
    net = ip_network(text)
    return number(net[0]), number(net[-1]), net.version


def narrowness(text):
    """Sort key: the longest prefix first."""
    first, last, _ = span(text)
    return last - first


@dataclass(frozen=True)
class Held:
    line: str
    prefix: str
    ports: tuple[int, int] | None = None
    start: int = -FOREVER
    end: int = FOREVER
    realm: str = ""


@dataclass(eq=False)
class Group:
    """The assignments of one prefix in one realm."""

    realm: str
    prefix: str
    rows: list[Held]

    @cached_property
    def shared(self):
        return any(row.ports for row in self.rows)


def grouped(held):
    groups = {}
    for row in held:
        groups.setdefault((row.realm, row.prefix), []).append(row)
    return groups


@dataclass(frozen=True)
class Rule:
    ipv6: str
    ipv4: str
    ea_bits: int
    offset: int
    psid_length: int = 0
    psid: int | None = None
    start: int = -FOREVER
    end: int = FOREVER

    def behind(self, address, port):
        """End-user prefix (first, last) behind an IPv4 address and a port, written with strings of bits."""
        ipv4, ipv6 = ip_network(self.ipv4), ip_network(self.ipv6)
        bits = f"{address & 0xFFFFFFFF:032b}"[ipv4.prefixlen :]
        k = max(self.ea_bits - len(bits), 0) if self.ea_bits else self.psid_length
        psid = f"{port:016b}"[self.offset : self.offset + k]
        if k and port == 0:
            return Reason.NEEDS_PORT
        if k and self.offset and set(f"{port:016b}"[: self.offset]) == {"0"}:
            return Reason.PORT_OUTSIDE_SET
        if self.psid is not None and int(psid, 2) != self.psid:
            return Reason.PORT_OUTSIDE_SET
        embedded = (bits[: self.ea_bits] + psid)[: self.ea_bits]
        text = f"{int(ipv6[0]):0128b}"[: ipv6.prefixlen] + embedded
        return int(text.ljust(128, "0"), 2), int(text.ljust(128, "1"), 2)


@dataclass
class Reference:
    held: list[Held]
    rules: list[Rule]
    ours: list[str]
    endpoints: list[str]
    margin: int
    near: dict = field(default_factory=dict)

    def __post_init__(self):
        self.groups = [Group(*key, rows) for key, rows in grouped(self.held).items()]
        self.groups.sort(key=lambda group: narrowness(group.prefix))
        self.realms = {row.realm for row in self.held} | {""}
        self.own = [span(text) for text in self.ours]
        self.special = [span(text) for text in SPECIAL_USE]
        self.rule_spans = [(*span(rule.ipv4)[:2], rule) for rule in self.rules]

    def resolve(self, realm, address, port, protocol, start, end, *, fragment=False):
        """A line or a reason."""
        port = port if protocol in PORTED and not fragment else 0
        if not any(first <= address <= last for first, last, _ in self.own):
            return Reason.NOT_OURS
        special = any(first <= address <= last for first, last, _ in self.special)
        if realm == "" and special and len(self.realms) > 1:
            return Reason.REALM_UNKNOWN
        start, end = start - self.margin, end + self.margin
        where = [realm] if realm == "" or special else [realm, ""]
        states = [self.state(where, address, port, at) for at in self.instants(where, address, port, start, end)]
        for state in states:
            if state is Reason.OVERLAP:
                return state
            if state != states[0]:
                return Reason.CLOCK_MARGIN
        if isinstance(states[0], str) and address in map(number, self.endpoints):
            return Reason.NO_ASSIGNMENT
        return states[0]

    def instants(self, where, address, port, start, end):
        """The start, and every later instant up to the end at which anything that matters begins or ends."""
        groups = [group for realm in where for group in self.around(realm, address)]
        rules = [rule for first, last, rule in self.rule_spans if first <= address <= last]
        for rule in rules:
            prefix = rule.behind(address, port)
            if not isinstance(prefix, Reason):
                groups += [group for realm in where for group in self.around(realm, *prefix)]
        rows = [row for group in groups for row in group.rows]
        changes = {at for thing in (*rows, *rules) for at in (thing.start, thing.end) if start < at <= end}
        return [start, *sorted(changes)]

    def state(self, where, address, port, at):
        for realm in where:
            found = self.by_prefix(self.around(realm, address), port, at)
            if found is not None:
                return found
        return self.by_rule(where, address, port, at) or Reason.NO_ASSIGNMENT

    def by_prefix(self, groups, port, at):
        """The longest prefix with a holder, or with shared ports."""
        for group in groups:
            if group.shared and port == 0:
                return Reason.NEEDS_PORT
            held = [(*(row.ports or (0, 65535)), row.line) for row in group.rows if row.start <= at < row.end]
            holding = [one for one in held if one[0] <= port <= one[1]]
            if holding:
                low, high, line = max(holding, key=lambda one: (one[0], -one[1]))
                wider = [one for one in holding if one[0] <= low and high <= one[1] and one[:2] != (low, high)]
                others = {one[2] for one in holding if one not in wider} - {line}
                return Reason.OVERLAP if others else line
            if group.shared:
                return Reason.PORT_OUTSIDE_SET
        return None

    def by_rule(self, where, address, port, at):
        rules = [r for first, last, r in self.rule_spans if first <= address <= last and r.start <= at < r.end]
        narrowest = min((narrowness(rule.ipv4) for rule in rules), default=0)
        answers = {rule.behind(address, port) for rule in rules if narrowness(rule.ipv4) == narrowest}
        prefixes = {answer for answer in answers if isinstance(answer, tuple)}
        if len(prefixes) != 1:
            return Reason.OVERLAP if prefixes else next(iter(answers), None)
        first, last = prefixes.pop()
        for realm in where:
            groups = self.around(realm, first, last)
            inside = [group for group in groups if span(group.prefix)[0] >= first and span(group.prefix)[1] <= last]
            lines = {row.line for group in inside for row in group.rows if row.start <= at < row.end}
            if lines:
                return lines.pop() if len(lines) == 1 else Reason.OVERLAP
            found = self.by_prefix([group for group in groups if group not in inside], 0, at)
            if found is not None:
                return found
        return None

    def around(self, realm, first, last=None):
        """Every group of a realm that shares an address with a range, the longest prefix first."""
        key = realm, first, last
        if key not in self.near:
            last = first if last is None else last
            mine = [group for group in self.groups if group.realm == realm]
            self.near[key] = [g for g in mine if span(g.prefix)[0] <= last and first <= span(g.prefix)[1]]
        return self.near[key]
