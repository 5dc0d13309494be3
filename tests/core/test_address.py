"""Addresses as two signed words: nothing is lost on the way, and IPv4 stands where RFC 4291 maps it."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.address import from_words, parse_address, parse_prefix, prefix_words, text_of_words, to_words

WORD = range(-(1 << 63), 1 << 63)


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6).filter(lambda a: a.ipv4_mapped is None))
def test_words_and_back(address):
    """Every address comes back, and both words fit a signed 64-bit column."""
    hi, lo = to_words(address)
    assert hi in WORD
    assert lo in WORD
    assert from_words(hi, lo) == address


def test_ipv4_is_mapped():
    """IPv4 stands as ::ffff:0:0/96 (RFC 4291, section 2.5.5.2)."""
    assert to_words(IPv4Address("192.0.2.1")) == (0, 0xFFFF_C000_0201)
    assert text_of_words(0, 0xFFFF_C000_0201) == "192.0.2.1"


def test_a_mapped_address_is_ipv4():
    """The text ::ffff:192.0.2.1 means the same host as 192.0.2.1."""
    assert parse_address("::ffff:192.0.2.1") == ip_address("192.0.2.1")


@pytest.mark.parametrize("text", ["192.0.2.1/24", "2001:db8::1/32", "192.0.2.0/33", "host"])
def test_a_prefix_with_host_bits_is_none(text: str):
    """A prefix that names a host is a mistake that must be told, not rounded."""
    with pytest.raises(ValueError, match=r"does not appear|has host bits"):
        parse_prefix(text)


def test_prefix_lengths_are_counted_in_128_bits():
    """A /24 of IPv4 is a /120 of the words."""
    assert prefix_words(ip_network("192.0.2.0/24"))[2] == 120
    assert prefix_words(ip_network("2001:db8::/32"))[2] == 32
