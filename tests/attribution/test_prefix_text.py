"""Prefixes from text: the kernel takes what ``ipaddress`` takes, and nothing else."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.attribution import prefix_text
from sekisho.attribution.prefix_text import read_prefixes
from sekisho.core.address import prefix_words
from sekisho.core.kernels import warm

ADDRESSES = st.one_of(
    st.integers(0, 2**32 - 1).map(IPv4Address),
    st.integers(0, 2**128 - 1).map(IPv6Address),
    st.integers(0, 2**32 - 1).map(lambda n: IPv6Address(n << 80 | n >> 20)),
).map(str)
MUTATIONS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from([*":./0123456789abcdfgAF", ""])), max_size=3)


@pytest.fixture(scope="module", autouse=True)
def _kernels():
    warm((prefix_text.KERNELS,))


def expected(text):
    try:
        return prefix_words(ip_network(text))
    except ValueError:
        return None


def found(text):
    hi, lo, length, malformed = read_prefixes(pa.array([text]))
    return None if malformed == 0 else (int(hi[0]), int(lo[0]), int(length[0]))


@given(ADDRESSES, st.sampled_from(["", "/0", "/8", "/24", "/32", "/33", "/48", "/64", "/128", "/129", "/"]), MUTATIONS)
def test_the_kernel_agrees_with_ipaddress(address, length, mutations):
    """Any text near an address or a prefix is read as ``ipaddress`` reads it, or refused as it refuses it."""
    text = address + length
    for place, character in mutations:
        text = text[:place] + character + text[place + 1 :]
    tail = text.partition("/")[2]
    if "." not in tail and len(tail) <= 3:
        assert found(text) == expected(text)


@pytest.mark.parametrize(
    "text", ["192.0.2.0/255.255.255.0", "192.0.2.0/0024", "2001:db8::%eth0", " 192.0.2.1", "::ffff:1.2.3", ""]
)
def test_forms_that_are_refused(text):
    """Netmasks, long lengths, zones and blanks are refused: an export does not contain them."""
    assert found(text) is None


@pytest.mark.parametrize(
    "text", ["::", "::/0", "0.0.0.0/0", "::ffff:192.0.2.1", "2001:DB8::", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8"]
)
def test_forms_that_are_read(text):
    """The corners of the grammar."""
    assert found(text) == expected(text)


def test_the_first_malformed_row_is_named():
    """Rows before it are read; a slice of an array is read from its own beginning."""
    texts = pa.array(["x", "192.0.2.1", "2001:db8::/56", "192.0.2.1/24", "y"]).slice(1)
    hi, lo, length, malformed = read_prefixes(texts)
    assert malformed == 2
    assert [(int(h), int(word), int(n)) for h, word, n in zip(hi[:2], lo[:2], length[:2], strict=True)] == [
        prefix_words(ip_network("192.0.2.1")),
        prefix_words(ip_network("2001:db8::/56")),
    ]
