"""A network that changes all the time: reconnects, reuse, port blocks, MAP-E, overlapping realms, nested prefixes."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from attribution.reference import FOREVER, Held, Rule, number, span

DAY_MS = 200_000
"""The whole story; intervals are of the order of the clock margin, so that margins decide often."""

EPOCH_MS = 1_790_000_000_000
OURS = ["203.0.113.0/24", "192.0.2.0/24", "198.51.100.0/24", "100.64.0.0/10", "10.0.0.0/8", "2001:db8::/32"]
ENDPOINTS = ["2001:db8:ffff::1"]
REALMS = ["", "bng-1", "bng-2"]

RULES = [
    Rule("2001:db8::/40", "192.0.2.0/24", 16, 6),
    Rule("2001:db8:4000::/40", "192.0.2.64/26", 10, 0, start=EPOCH_MS + 50_000, end=EPOCH_MS + 150_000),
    Rule("2001:db8:5000::/48", "192.0.2.128/25", 5, 4),
    Rule("2001:db8:6000:100::/56", "198.51.100.250/32", 0, 6, psid_length=4, psid=3),
    Rule("2001:db8:6000:200::/56", "198.51.100.250/32", 0, 6, psid_length=4, psid=4),
    Rule("2001:db8:6000:300::/56", "198.51.100.250/32", 0, 6, psid_length=4, psid=4, start=EPOCH_MS + 120_000),
]


def assignments(rng: random.Random) -> list[Held]:
    """About four thousand assignments on a few hundred prefixes."""
    held: list[Held] = []
    for realm in REALMS:
        for pool in ("203.0.113.{}", "100.64.0.{}", "10.1.0.{}"):
            for host in range(12):
                held += _sessions(rng, pool.format(host), realm)
    for host in range(6):
        for block in range(16):
            ports = (1024 + block * 512, 1535 + block * 512)
            held += _sessions(rng, f"198.51.100.{host}", rng.choice(REALMS[:2]), ports)
        held += _sessions(rng, f"198.51.100.{host}", "", (1200, 3000)) if host % 2 else []
    held += _sessions(rng, "198.51.100.0/29", "") + _sessions(rng, "198.51.100.5", "")
    held += _sessions(rng, "203.0.113.0/28", "") + _sessions(rng, "203.0.113.4/30", "bng-1")
    for n in range(24):
        base = 0x20010DB8 << 96 | n << 72
        held += _sessions(rng, str(IPv6Network((base, 56))), rng.choice(["", "", "bng-1"]))
        held += _sessions(rng, str(IPv6Network((base + (n % 3 << 64), 64))), "")
        held += _sessions(rng, str(IPv6Address(base + 1)), "") if n % 5 == 0 else []
    held += _sessions(rng, "2001:db8:4000::/48", "") + _sessions(rng, "2001:db8:0:400::/54", "")
    held += _sessions(rng, "2001:db8:5000::/49", "") + _sessions(rng, "2001:db8:6000:100::/64", "")
    held += _sessions(rng, "2001:db8:6000:200::/56", "bng-2") + _sessions(rng, "2001:db8:6000:300::/60", "")
    held += [Held("endpoint", "2001:db8:ffff::/48")]
    rng.shuffle(held)
    return held


def _sessions(rng: random.Random, prefix: str, realm: str, ports: tuple[int, int] | None = None) -> list[Held]:
    """One prefix through the day: gaps, renewals of one line, hand-overs in the same instant, sometimes two at once."""
    sessions, at, line = [], rng.randrange(-20_000, 30_000), f"L{rng.randrange(400)}"
    while at < DAY_MS:
        end = at + rng.choice([0, 700, 3_000, 9_000, 20_000, 60_000])
        open_start, open_end = at <= 0 and rng.random() < 0.3, end >= DAY_MS and rng.random() < 0.5
        start = -FOREVER if open_start else EPOCH_MS + at
        sessions.append(Held(line, prefix, ports, start, FOREVER if open_end else EPOCH_MS + end, realm))
        line = line if rng.random() < 0.4 else f"L{rng.randrange(400)}"
        at = end + rng.choice([0, 0, 0, -500, 1, 1_500, 5_000, 15_000])
        at = max(at, end - 500)
    return sessions


def questions(rng: random.Random, held: list[Held], count: int) -> list[tuple[str, int, int, int, int, int, bool]]:
    """(realm, address, port, protocol, start, end, fragment) rows, mostly at held prefixes and near their changes."""
    return [_question(rng, held) for _ in range(count)]


def _question(rng: random.Random, held: list[Held]) -> tuple[str, int, int, int, int, int, bool]:
    row = rng.choice(held)
    first, last, _ = span(row.prefix)
    address = rng.choice([first, last, rng.randint(first, last)])
    if rng.random() < 0.3:
        address = number(IPv4Address(rng.choice(["192.0.2.0", "198.51.100.250"]))) + rng.randrange(2) * rng.randrange(
            256
        )
    edges = [row.start, row.end, EPOCH_MS + rng.randrange(-5_000, DAY_MS + 5_000)]
    edge = rng.choice([edge for edge in edges if abs(edge) != FOREVER])
    start = edge + rng.choice([-2_001, -2_000, -1_999, 0, 1, 1_999, 2_000, 2_001, rng.randrange(-9_000, 9_000)])
    end = start + rng.choice([0, 1, 500, 4_000, 30_000])
    port = rng.choice([0, 1, 80, 1023, 1024, 1215, 2047, 4096, 5473, rng.randrange(65536), rng.randrange(1024, 9300)])
    realm = row.realm if rng.random() < 0.7 else rng.choice([*REALMS, "elsewhere"])
    return realm, address, port, rng.choice([6, 17, 17, 17, 132, 33, 1, 47, 50]), start, end, rng.random() < 0.05


def csv_of(held: list[Held]) -> str:
    """The assignments as a file."""
    lines = ["line_id,prefix,port_first,port_last,valid_from,valid_to,realm"]
    for row in held:
        ports = f"{row.ports[0]},{row.ports[1]}" if row.ports else ","
        lines.append(f"{row.line},{row.prefix},{ports},{_text(row.start)},{_text(row.end)},{row.realm}")
    return "\n".join(lines) + "\n"


def toml_of(rules: list[Rule]) -> str:
    """The rules as a file."""
    return "\n".join(_rule_text(n, rule) for n, rule in enumerate(rules))


def _rule_text(n: int, rule: Rule) -> str:
    keys = {"name": f"rule {n}", "ipv6_prefix": rule.ipv6, "ipv4_prefix": rule.ipv4}
    keys |= {key: at for key, at in (("valid_from", _text(rule.start)), ("valid_to", _text(rule.end))) if at}
    numbers = {"ea_bits": rule.ea_bits, "psid_offset": rule.offset}
    numbers |= {"psid": rule.psid, "psid_length": rule.psid_length} if rule.psid is not None else {}
    texts = [f'{key} = "{value}"' for key, value in keys.items()] + [f"{key} = {n}" for key, n in numbers.items()]
    return "\n".join(["[[rule]]", *texts])


def _text(at_ms: int) -> str:
    if abs(at_ms) == FOREVER:
        return ""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
