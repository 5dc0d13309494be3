"""Lines and their addresses."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.core.address import from_words, parse_prefix
from sekisho.simulate.lines import MAP_E, MAP_RULE, NETWORK, build_lines, delegated_prefix
from sekisho.simulate.scenario import LineCounts


@pytest.fixture(scope="module")
def lines():
    return build_lines(LineCounts(pppoe=5, map_e=200, ipoe=7, fixed=3), np.random.default_rng(1))


def test_map_e_ports_are_those_of_the_rule(lines):
    """A household's ports, one by one, are exactly the set that the rule gives its prefix."""
    for line in lines.of(MAP_E)[:70].tolist():
        port_set = MAP_RULE.port_set(delegated_prefix(int(lines.prefix_hi[line])))
        expected = {p for first, last in port_set.port_ranges for p in range(first, last + 1)}
        count = int(lines.ports.size(np.array([line]))[0])
        assert set(lines.ports.port(np.full(count, line), np.arange(count)).tolist()) == expected


def test_households_share_addresses(lines):
    """64 households stand behind one IPv4 address."""
    addresses, households = np.unique(lines.fixed_v4[lines.of(MAP_E)], return_counts=True)
    assert len(addresses) == 4
    assert households.max() == 64


def test_every_fixed_address_is_ours(lines):
    """Fixed IPv4 addresses and delegated prefixes lie inside the provider's prefixes."""
    v4, v6 = (parse_prefix(text) for text in NETWORK)
    assert all(from_words(0, int(lo)) in v4 for lo in lines.fixed_v4 if lo)
    assert all(delegated_prefix(int(hi)).subnet_of(v6) for hi in lines.prefix_hi if hi)


def test_delegated_prefixes_are_distinct(lines):
    """No two lines have one prefix."""
    prefixes = lines.prefix_hi[lines.prefix_hi != 0]
    assert len(np.unique(prefixes)) == len(prefixes) == 207
