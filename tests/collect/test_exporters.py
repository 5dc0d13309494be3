"""Exporters by number: configured ones first, others as they appear, within a limit."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.collect import exporters as module
from sekisho.collect.exporters import DAY_MS, REFUSED, Exporters
from sekisho.collect.pair_table import ABSENT, PairTable
from sekisho.core.address import parse_address, to_words
from sekisho.core.config import Exporter, Sees
from sekisho.core.kernels import warm


def words(*addresses):
    return np.array([to_words(parse_address(address)) for address in addresses], dtype=np.int64).reshape(-1, 2)


def started(configured=(), **settings):
    exporters = Exporters(configured, **settings)
    exporters.start()
    return exporters


def test_codes_are_given_in_order_of_appearance():
    """An address keeps its code, in a block and across blocks, and the texts are those of the addresses."""
    exporters = started()
    texts = exporters.texts
    assert exporters.codes(words("192.0.2.1", "2001:db8::1", "192.0.2.1")).tolist() == [0, 1, 0]
    assert exporters.codes(words("2001:db8::1", "192.0.2.2")).tolist() == [1, 2]
    assert texts == ["192.0.2.1", "2001:db8::1", "192.0.2.2"]


def test_no_addresses_no_codes():
    """An empty block is no special case."""
    assert started().codes(words()).tolist() == []


def test_configured_exporters_come_first():
    """A configured exporter has its code before it sends anything, and its settings can be asked for."""
    exporters = started([Exporter(address="192.0.2.9", name="bng-9", sees="outbound"), Exporter(address="2001:db8::9")])
    assert exporters.codes(words("192.0.2.1", "2001:db8::9", "192.0.2.9")).tolist() == [2, 1, 0]
    assert exporters.settings(0).name == "bng-9"
    assert exporters.settings(2) is None
    assert [exporters.sees(code) for code in range(3)] == [Sees.OUTBOUND, Sees.BOTH, Sees.BOTH]


def test_of_two_with_one_address_the_first_counts():
    """The configuration check warns about it; the run takes the first."""
    exporters = started([Exporter(address="192.0.2.1", name="a"), Exporter(address="192.0.2.1", name="b")])
    assert (exporters.texts, exporters.settings(0).name) == (["192.0.2.1"], "a")


def test_starting_twice_changes_nothing():
    """Each reader starts the exporters it was given."""
    exporters = started([Exporter(address="192.0.2.1")])
    exporters.codes(words("192.0.2.7"))
    exporters.start()
    assert exporters.codes(words("192.0.2.7", "192.0.2.1")).tolist() == [1, 0]


def test_unconfigured_exporters_can_be_refused():
    """Where only configured exporters are accepted, others get no code and no place in any table."""
    exporters = started([Exporter(address="192.0.2.1")], accept_unconfigured=False)
    assert exporters.codes(words("192.0.2.2", "192.0.2.1")).tolist() == [REFUSED, 0]
    assert exporters.texts == ["192.0.2.1"]


def test_nobody_is_accepted_where_nobody_is_configured():
    """`serve` without exporters takes in nothing."""
    assert started(accept_unconfigured=False).codes(words("192.0.2.1")).tolist() == [REFUSED]


def test_further_exporters_are_refused_at_the_limit(monkeypatch):
    """Forged sources do not grow the tables, and known exporters keep their codes."""
    monkeypatch.setattr(module, "MAX_UNCONFIGURED", 3)
    exporters = started([Exporter(address="198.51.100.1")])
    codes = exporters.codes(words(*(f"192.0.2.{n}" for n in range(6)), "198.51.100.1", "192.0.2.0"))
    assert codes.tolist() == [1, 2, 3, REFUSED, REFUSED, REFUSED, 0, 1]
    assert len(exporters.texts) == exporters.limit == 4


def test_how_long_flows_and_windows_last():
    """The active timeout caps a flow's duration; windows wait for the longest timeout and 30 s, 1,830 s if unknown."""
    exporters = Exporters(
        [
            Exporter(address="192.0.2.1", active_timeout_s=60, inactive_timeout_s=15),
            Exporter(address="192.0.2.2", inactive_timeout_s=0.5),
            Exporter(address="192.0.2.3"),
        ]
    )
    assert exporters.active_cap_ms[:4].tolist() == [60_000, DAY_MS, DAY_MS, DAY_MS]
    assert exporters.lateness_ms[:4].tolist() == [90_000, 30_500, 1_830_000, 1_830_000]
    assert len(exporters.active_cap_ms) == len(exporters.lateness_ms) == exporters.limit


def test_a_pair_table_holds_what_was_put():
    """Pairs that differ in one half are told apart; a full table still finds and changes what it holds."""
    warm([module.KERNELS])
    table = PairTable(500)
    pairs = [(first, second) for first in (-1, 0, 1 << 40, 7, -(1 << 63)) for second in range(-50, 50)]
    for value, pair in enumerate(pairs):
        table.put(*pair, value)
    assert [table.get(*pair) for pair in pairs] == list(range(500))
    assert table.get(7, 99) == ABSENT
    assert table.is_full
    table.put(7, 0, 4242)
    assert table.get(7, 0) == 4242
    with pytest.raises(OverflowError, match="500 pairs"):
        table.put(7, 99, 1)
    table.clear()
    assert (table.get(7, 0), table.is_full) == (ABSENT, False)
