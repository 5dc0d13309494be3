"""MAP-E both ways: the vectors of RFC 7597 appendix A and of two rules shaped like those deployed in Japan."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest

from sekisho.attribution.map_e import MapRule, end_user_prefix, load_map_e
from sekisho.core.errors import ConfigError, InputError
from sekisho.core.reasons import UnattributedReason


def rule(ipv6, ipv4, ea_bits, offset, **more):
    return MapRule(
        name="r",
        ipv6_prefix=IPv6Network(ipv6),
        ipv4_prefix=IPv4Network(ipv4),
        ea_bits=ea_bits,
        psid_offset=offset,
        **more,
    )


EXAMPLE_1 = rule("2001:db8::/40", "192.0.2.0/24", 16, 6)
EXAMPLE_4 = rule("2001:db8:12:3400::/56", "192.0.2.18/32", 0, 6)
EXAMPLE_5 = rule("2001:db8:12:3400::/56", "192.0.2.18/32", 0, 6, psid_length=8, psid=0x34)
R31 = rule("240b:10::/31", "106.72.0.0/15", 25, 4)
R38 = rule("2400:4151:b000::/38", "180.13.0.0/20", 18, 6)

SHARED = [
    (EXAMPLE_1, "2001:db8:12:3400::/56", "192.0.2.18", 0x34, (1232, 1235), (2256, 2259), (64720, 64723), 252),
    (EXAMPLE_5, "2001:db8:12:3400::/56", "192.0.2.18", 0x34, (1232, 1235), (2256, 2259), (64720, 64723), 252),
    (R31, "240b:11:1234:5600::/56", "106.73.18.52", 0x56, (5472, 5487), (9568, 9583), (62816, 62831), 240),
    (R38, "2400:4151:b123:4500::/56", "180.13.4.141", 5, (1104, 1119), (2128, 2143), (64592, 64607), 1008),
]


@pytest.mark.parametrize("vector", SHARED)
def test_forward_and_reverse_vectors(vector):
    """Each vector gives its address, PSID and ranges; every port of every range leads back to the prefix."""
    mapping, prefix, ipv4, psid, *ranges, ports = vector
    result = mapping.port_set(IPv6Network(prefix))
    assert result.ipv4 == IPv4Network(ipv4)
    assert result.psid == psid
    assert [result.port_ranges[0], result.port_ranges[1], result.port_ranges[-1]] == ranges
    owned = [port for low, high in result.port_ranges for port in range(low, high + 1)]
    assert len(owned) == ports
    assert {mapping.end_user_prefix(IPv4Address(ipv4), port) for port in owned} == {IPv6Network(prefix)}
    reached = [p for p in range(1, 65536) if mapping.end_user_prefix(IPv4Address(ipv4), p) == IPv6Network(prefix)]
    assert reached == owned


def test_example_1_has_63_ranges():
    """RFC 7597 example 1: 63 ranges, the last but one 63696 to 63699."""
    ranges = EXAMPLE_1.port_set(IPv6Network("2001:db8:12:3400::/56")).port_ranges
    assert len(ranges) == 63
    assert ranges[-2] == (63696, 63699)


def test_address_that_is_not_shared_needs_no_port():
    """RFC 7597 example 4: the whole address belongs to one customer edge, with or without a port."""
    result = EXAMPLE_4.port_set(IPv6Network("2001:db8:12:3400::/56"))
    assert (result.ipv4, result.psid, result.port_ranges) == (IPv4Network("192.0.2.18"), None, ((0, 65535),))
    for port in (0, 53, 65535):
        assert EXAMPLE_4.end_user_prefix(IPv4Address("192.0.2.18"), port) == IPv6Network("2001:db8:12:3400::/56")


def test_fewer_ea_bits_than_suffix_assign_an_ipv4_prefix():
    """With o < p the customer edge holds an IPv4 prefix: each of its addresses leads back, without a port."""
    mapping = rule("2001:db8::/40", "192.0.2.0/24", 4, 6)
    assert mapping.port_set(IPv6Network("2001:db8:30::/44")).ipv4 == IPv4Network("192.0.2.48/28")
    for host in range(48, 64):
        assert mapping.end_user_prefix(IPv4Address(f"192.0.2.{host}"), 0) == IPv6Network("2001:db8:30::/44")


def test_prefix_inside_an_end_user_prefix_has_the_same_port_set():
    """A line without the telephone option holds a /64: its ports are those of the /56 around it."""
    assert R31.port_set(IPv6Network("240b:11:1234:5600::/64")) == R31.port_set(IPv6Network("240b:11:1234:5600::/56"))


@pytest.mark.parametrize("mapping", [EXAMPLE_1, EXAMPLE_5, R31, R38, rule("2001:db8::/40", "192.0.2.0/24", 16, 0)])
def test_no_port_is_never_a_psid(mapping):
    """Port 0 means "no port": never PSID 0, not even with PSID offset 0, where the arithmetic would say so."""
    assert mapping.end_user_prefix(mapping.ipv4_prefix[0], 0) is UnattributedReason.NEEDS_PORT


def test_offset_zero_uses_one_range():
    """PSID offset 0: one contiguous range each, system ports included."""
    mapping = rule("2001:db8::/40", "192.0.2.0/24", 16, 0)
    assert mapping.port_ranges(0) == ((0, 255),)
    assert mapping.port_ranges(255) == ((65280, 65535),)
    assert mapping.end_user_prefix(IPv4Address("192.0.2.0"), 1) == IPv6Network("2001:db8::/56")


def test_ports_below_the_offset_belong_to_nobody():
    """Offset 6 reserves 0 to 1023, offset 4 reserves 0 to 4095."""
    assert EXAMPLE_1.end_user_prefix(IPv4Address("192.0.2.18"), 1023) is UnattributedReason.PORT_OUTSIDE_SET
    assert EXAMPLE_1.end_user_prefix(IPv4Address("192.0.2.18"), 1024) == IPv6Network("2001:db8:12::/56")
    assert R31.end_user_prefix(IPv4Address("106.73.18.52"), 4095) is UnattributedReason.PORT_OUTSIDE_SET
    assert R31.end_user_prefix(IPv4Address("106.73.18.52"), 4096) == IPv6Network("240b:11:1234::/56")


def test_provisioned_psid_owns_its_own_ports_only():
    """RFC 7597 example 5: a port of another PSID is outside the set, never this customer edge."""
    assert EXAMPLE_5.end_user_prefix(IPv4Address("192.0.2.18"), 1236) is UnattributedReason.PORT_OUTSIDE_SET


def test_longest_rule_decides_and_validity_counts():
    """The most specific IPv4 prefix valid at the instant decides; before it was valid the wider one does."""
    narrow = rule("2001:db8:ff00::/48", "192.0.2.16/28", 8, 0, valid_from_ms=1000)
    wide = EXAMPLE_1
    where = {"address": IPv4Address("192.0.2.18"), "port": 1232}
    assert end_user_prefix((wide, narrow), **where, at_ms=1000) == narrow.end_user_prefix(**where)
    assert end_user_prefix((wide, narrow), **where, at_ms=999) == IPv6Network("2001:db8:12:3400::/56")
    outside = end_user_prefix((wide, narrow), IPv4Address("198.51.100.1"), 1232, at_ms=0)
    assert outside is UnattributedReason.NO_ASSIGNMENT


def test_rules_that_share_an_address_by_psid():
    """Provisioned rules of one address tell their ports apart; two that claim the same port overlap."""
    other = rule("2001:db8:12:3500::/56", "192.0.2.18/32", 0, 6, psid_length=8, psid=0x35)
    twin = rule("2001:db8:99::/56", "192.0.2.18/32", 0, 6, psid_length=8, psid=0x34)
    where = {"address": IPv4Address("192.0.2.18"), "at_ms": 0}
    assert end_user_prefix((EXAMPLE_5, other), port=1236, **where) == IPv6Network("2001:db8:12:3500::/56")
    assert end_user_prefix((EXAMPLE_5, other), port=1232, **where) == IPv6Network("2001:db8:12:3400::/56")
    assert end_user_prefix((EXAMPLE_5, other, twin), port=1232, **where) is UnattributedReason.OVERLAP
    assert end_user_prefix((EXAMPLE_5, other), port=1240, **where) is UnattributedReason.PORT_OUTSIDE_SET


@pytest.mark.parametrize("prefix", ["2001:db8:12::/48", "2001:db9::/56"])
def test_prefix_that_is_none_of_the_rule_is_refused(prefix):
    """A prefix outside the rule or shorter than an end-user prefix has no port set."""
    with pytest.raises(ValueError, match="inside 2001:db8::/40"):
        EXAMPLE_1.port_set(IPv6Network(prefix))


GOOD = """
[[rule]]
name = "one"
ipv6_prefix = "2001:db8::/40"
ipv4_prefix = "192.0.2.0/24"
ea_bits = 16
psid_offset = 6
valid_from = 2026-01-01T00:00:00+09:00
valid_to = "2027-01-01T00:00:00Z"

[[rule]]
name = "two"
ipv6_prefix = "2001:db8:12:3400::/56"
ipv4_prefix = "198.51.100.18/32"
ea_bits = 0
psid_offset = 6
psid_length = 8
psid = 0x34
"""


def test_rules_are_read_in_order(tmp_path):
    """A file gives its rules in order; times are TOML times or ISO texts, both with a zone."""
    path = tmp_path / "map.toml"
    path.write_text(GOOD)
    one, two = load_map_e(path)
    assert one == replace(EXAMPLE_1, name="one", valid_from_ms=1767193200000, valid_to_ms=1798761600000)
    assert (two.psid, two.psid_bits, two.contiguous_bits) == (0x34, 8, 2)


@pytest.mark.parametrize(
    ("old", "new", "error", "says"),
    [
        ("ea_bits = 16", "ea_bits = 49", ConfigError, r"rule 1 \(one\): ea_bits: expected 0 to 48"),
        ("ea_bits = 16", 'ea_bits = "16"', ConfigError, "ea_bits: expected a whole number, found '16'"),
        ("ea_bits = 16", "ea_bits = true", ConfigError, "ea_bits: expected a whole number, found True"),
        ("ea_bits = 16\n", "", ConfigError, "ea_bits: expected a whole number, found None"),
        ("psid_offset = 6\nvalid", "psid_offset = 9\nvalid", ConfigError, "psid_offset: expected at most 8"),
        ("psid_offset = 6\nvalid", "psid_offset = 16\nvalid", ConfigError, "psid_offset: expected 0 to 15"),
        ("192.0.2.0/24", "192.0.2.1/24", ConfigError, "ipv4_prefix: expected an IPv4 prefix .*host bits set"),
        ("2001:db8::/40", "192.0.2.0/24", ConfigError, "ipv6_prefix: expected an IPv6 prefix"),
        ('"2027-01-01T00:00:00Z"', '"2027-01-01T00:00:00"', ConfigError, "valid_to: expected a time with its zone"),
        ("2026-01-01T00:00:00+09:00", "2026-01-01T00:00:00", ConfigError, "valid_from: expected a time with its zone"),
        ("psid = 0x34", "psid = 0x134", ConfigError, r"rule 2 \(two\): psid: expected 8 bits, found 308"),
        ("psid = 0x34", "", ConfigError, "psid: expected 8 bits, found None"),
        ("psid_length = 8\n", "", ConfigError, "psid: expected none"),
        ("198.51.100.18/32", "198.51.100.0/24", ConfigError, "ipv4_prefix: expected one address"),
        ('name = "one"', 'name = "one"\nbr = "2001:db8::1"', ConfigError, "expected keys name, .* found 'br'"),
        ("[[rule]]", "[[rules]]", ConfigError, "rules: expected .* tables only"),
        (GOOD, "", InputError, "expected at least one"),
        ("ea_bits = 16", "ea_bits = ", InputError, "expected MAP-E rules as TOML, found: .*line 6"),
    ],
)
def test_wrong_rules_are_refused_in_one_sentence(tmp_path, old, new, error, says):
    """A wrong file names itself, the rule, the key, what was expected and what was found."""
    path = tmp_path / "map.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(error, match=says) as raised:
        load_map_e(path)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


def test_missing_file_is_an_input_error(tmp_path):
    """A file that is not there is the user's input, not a bug."""
    with pytest.raises(InputError, match="No such file"):
        load_map_e(tmp_path / "none.toml")
