"""Sources without a log: deterministic NAT, lightweight 4over6, hand-over lists."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.attribution.sources.deterministic_nat import DeterministicNat
from sekisho.attribution.sources.events import Inside
from sekisho.attribution.sources.ipoe import read_hand_over
from sekisho.attribution.sources.lw4o6 import read_bindings
from sekisho.core.errors import InputError
from sekisho.core.reasons import UnattributedReason
from sekisho.core.time import parse_time

RULE = DeterministicNat(inside=IPv4Network("100.64.0.0/22"), outside=IPv4Network("192.0.2.0/28"), inside_realm="cgn-1")


def test_shares_of_one_outside_address():
    """1,024 inside addresses over 16 outside ones: 64 to one, 1,008 ports each, from port 1024 on."""
    assert (RULE.ratio, RULE.ports_each) == (64, 1008)
    held = RULE.held_by(IPv4Address("100.64.0.65"))
    assert (held.prefix, held.port_first, held.port_last) == (IPv4Network("192.0.2.1/32"), 2032, 3039)


@given(st.integers(0, 1023), st.integers(1, 65535))
def test_both_directions_agree(number, port):
    """A port leads back to the inside address that holds it, and to no other; others are outside every share."""
    inside = RULE.inside[number]
    held = RULE.held_by(inside)
    found = RULE.inside_of(held.prefix[0], port)
    assert (found == inside) == (held.port_first <= port <= held.port_last)
    if isinstance(found, UnattributedReason):
        assert (port < 1024) or port >= 1024 + 64 * 1008


def test_no_port_and_no_share():
    """Without a port nobody is named; reserved ports and foreign addresses are nobody's."""
    assert RULE.inside_of(IPv4Address("192.0.2.1"), 0) is UnattributedReason.NEEDS_PORT
    assert RULE.inside_of(IPv4Address("192.0.2.1"), 1023) is UnattributedReason.PORT_OUTSIDE_SET
    assert RULE.inside_of(IPv4Address("192.0.2.16"), 2000) is UnattributedReason.NO_ASSIGNMENT


def test_no_port_stays_nobodys_where_no_port_is_reserved():
    """With nothing reserved port 0 lies in the first share, and still names nobody."""
    whole = DeterministicNat(inside=RULE.inside, outside=RULE.outside, reserved_ports=0)
    assert whole.inside_of(IPv4Address("192.0.2.0"), 0) is UnattributedReason.NEEDS_PORT
    assert whole.inside_of(IPv4Address("192.0.2.0"), 1) == IPv4Address("100.64.0.0")


def test_events_cover_every_inside_address_without_overlap():
    """Every inside address has one share, and no port belongs to two of them."""
    events = list(RULE.events())
    assert len(events) == 1024
    assert events[5].holder == Inside(address=IPv4Address("100.64.0.5"), realm="cgn-1")
    shares = sorted((event.held[0].prefix, event.held[0].port_first, event.held[0].port_last) for event in events)
    assert all(a[0] != b[0] or a[2] < b[1] for a, b in itertools.pairwise(shares))


def test_rules_that_cannot_work():
    """Too many inside addresses for the ports, or a mistyped length, are refused."""
    with pytest.raises(ValueError, match="at least one port"):
        DeterministicNat(inside=IPv4Network("100.64.0.0/12"), outside=IPv4Network("192.0.2.0/32"))
    with pytest.raises(ValueError, match="at most"):
        DeterministicNat(inside=IPv4Network("10.0.0.0/8"), outside=IPv4Network("192.0.2.0/24"))


def file(tmp_path, text):
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


BINDINGS = "ipv6_prefix,ipv4_address,psid_offset,psid_length,psid,valid_from,valid_to\n"


def test_lw4o6_binding(tmp_path):
    """A binding's ports are those of its PSID (RFC 7597, appendix A, example 5); its holder is behind the prefix."""
    path = file(tmp_path, BINDINGS + "2001:db8:12:3400::/56,192.0.2.18,6,8,52,2026-11-01T00:00:00+09:00,\n")
    (binding,) = read_bindings(path)
    event = binding.event("")
    assert len(event.held) == 63
    assert (event.held[0].port_first, event.held[0].port_last) == (1232, 1235)
    assert event.at_ms == parse_time("2026-10-31T15:00:00Z")
    assert event.holder == Inside(address=IPv6Address("2001:db8:12:3400::"))


def test_lw4o6_whole_address(tmp_path):
    """A PSID length of 0 gives the whole address."""
    (binding,) = read_bindings(file(tmp_path, BINDINGS + "2001:db8::1/128,192.0.2.18,0,0,,,\n"))
    assert binding.port_ranges == ((0, 65535),)


@pytest.mark.parametrize(
    "row", ["2001:db8::/56,192.0.2.18,6,8,300,,", "2001:db8::1/56,192.0.2.18,6,8,1,,", "x,y,1,1,1,,"]
)
def test_lw4o6_rows_that_are_wrong(tmp_path, row):
    """A PSID that does not fit, host bits and nonsense are refused with their line."""
    with pytest.raises(InputError, match="line 2"):
        list(read_bindings(file(tmp_path, f"{BINDINGS}{row}\n")))


HAND_OVER = "contract,prefix,from,to\n"


def test_hand_over_list(tmp_path):
    """A contract holds its prefix from and to the times of the list; an empty end is still held."""
    path = file(
        tmp_path,
        f"{HAND_OVER}C-1,2001:db8:1::/56,2026-11-01T00:00:00+09:00,2026-11-02T00:00:00+09:00\n"
        "C-2,2001:db8:1::/56,2026-11-02T00:00:00+09:00,\n",
    )
    first, second = read_hand_over(path)
    assert (first.holder, first.until_ms) == ("C-1", second.at_ms)
    assert (second.holder, second.until_ms) == ("C-2", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HAND_OVER, "at least one contract"),
        (f"{HAND_OVER}C-1,2001:db8::/56,2026-11-01T00:00:00,\n", "zone"),
        (f"{HAND_OVER}C-1,2001:db8::/56,,\n", "from"),
        (f"{HAND_OVER}C-1,2001:db8::1/56,2026-11-01T00:00:00Z,\n", "host bits"),
        (f"{HAND_OVER}C-1,2001:db8::/56,2026-11-02T00:00:00Z,2026-11-01T00:00:00Z\n", "not before"),
        ("contract,prefix,start,to\nC-1,2001:db8::/56,2026-11-02T00:00:00Z,\n", "'start'"),
    ],
)
def test_hand_over_lists_that_are_wrong(tmp_path, text, said):
    """An empty list, a time without zone, no beginning, host bits, an end before it and a wrong column are refused."""
    with pytest.raises(InputError, match=said):
        list(read_hand_over(file(tmp_path, text)))
