"""Files of translators and hand-over lists, read by the configuration."""

from __future__ import annotations

import os
from ipaddress import ip_network

import pytest

from attribution.sources.blocks import ALLOC, ALLOCATED_MS
from attribution.told import assignments
from sekisho.attribution.history.read import read_history
from sekisho.attribution.sources.events import Begin, Confirm, End, Held
from sekisho.attribution.sources.listed import Listed
from sekisho.core.config import Attribution
from sekisho.core.errors import ConfigError, InputError
from sekisho.core.time import iso

NOW_MS = ALLOCATED_MS + 86_400_000
HAND_OVER = "contract,prefix,from,to\nC-1,{},{},\n"


def holders(**files):
    with read_history(Attribution(), radius=[], kea=[], now_ms=NOW_MS, **files) as history:
        return {(str(what.prefix), what.port_first, span.holder) for what, span in assignments(history)}


@pytest.fixture
def hand_over(tmp_path):
    path = tmp_path / "ipoe.csv"

    def write(prefix):
        path.write_text(HAND_OVER.format(prefix, iso(ALLOCATED_MS - 1000)), encoding="utf-8")
        return path

    return write


def test_a_translators_log_over_a_hand_over_list(tmp_path, hand_over):
    """The block's inside address is a contract's, and so is the block."""
    log = tmp_path / "cgn.log"
    log.write_text(f"<14>1 {iso(ALLOCATED_MS)} cgn-1 {ALLOC}\n", encoding="utf-8")
    found = holders(cgnat=[log], ipoe=[hand_over("100.64.60.74/32")])
    assert found == {("100.64.60.74/32", 0, "C-1"), ("203.0.113.100/32", 24064, "C-1")}


def test_bindings_over_a_hand_over_list(tmp_path, hand_over):
    """A binding's ports belong to the contract whose prefix holds its address, whatever the lengths are."""
    table = tmp_path / "bindings.csv"
    rows = "ipv6_prefix,ipv4_address,psid_offset,psid_length,psid\n2001:db8:12:3400::1/128,192.0.2.18,0,8,52\n"
    table.write_text(rows, encoding="utf-8")
    found = holders(lw4o6=[table], ipoe=[hand_over("2001:db8:12:3400::/56")])
    assert ("192.0.2.18/32", 52 << 8, "C-1") in found


def test_a_list_knows_up_to_when_it_was_written(hand_over):
    """A list is as new as its file: what it names as held was held then, so that answers of that time can settle."""
    path = hand_over("2001:db8:12:3400::/56")
    os.utime(path, (NOW_MS / 1000, NOW_MS / 1000))
    with read_history(Attribution(), radius=[], kea=[], ipoe=[path], now_ms=NOW_MS) as history:
        (feed,) = history.feeds.values()
        assert feed.watermark_ms == NOW_MS


def test_a_session_that_ended_is_not_confirmed(hand_over):
    """Where a list's last session ended in a row of its own, the time of the file says nothing more of it."""
    path = hand_over("2001:db8:12:3400::/56")
    who = {"received_ms": ALLOCATED_MS, "server": "nas", "session": "s"}
    held = (Held(prefix=ip_network("192.0.2.1/32")),)
    begin = Begin(at_ms=ALLOCATED_MS - 10, holder="L1", held=held, **who)
    end = End(at_ms=ALLOCATED_MS, **who)
    assert Listed(path=path, kind="test", read=lambda: iter([begin, end])).poll(0) == [begin, end]
    events = Listed(path=path, kind="test", read=lambda: iter([begin])).poll(0)
    assert [type(event) for event in events] == [Begin, Confirm]


def translator(**changed):
    return Attribution(deterministic_nat=[{"inside": "100.64.60.0/24", "outside": "203.0.113.100/32"} | changed])


def test_a_translator_that_computes_its_ports(hand_over):
    """Its shares are the contracts' behind it, and arithmetic is never behind the time."""
    path = hand_over("100.64.60.74/32")
    with read_history(translator(), radius=[], kea=[], ipoe=[path], now_ms=NOW_MS) as history:
        found = {(what.port_first, what.port_last, span.holder) for what, span in assignments(history)}
        assert found == {(0, 65535, "C-1"), (1024 + 74 * 252, 1024 + 75 * 252 - 1, "C-1")}
        (computed,) = (feed for name, feed in history.feeds.items() if name.startswith("deterministic_nat"))
        assert computed.watermark_ms == NOW_MS


def test_a_rule_that_is_changed_or_gone_leaves_nothing_behind(hand_over, tmp_path):
    """The history on disk follows the configuration, which every command and every process reads at its start."""
    path = hand_over("100.64.60.74/32")
    kept = {"history": tmp_path / "history.db"}
    for rule, block in (({}, 1024 + 74 * 252), ({"reserved_ports": 2048}, 2048 + 74 * 248), (None, None)):
        settings = translator(**rule) if rule is not None else Attribution()
        settings = settings.model_copy(update=kept)
        with read_history(settings, radius=[], kea=[], ipoe=[path], now_ms=NOW_MS) as history:
            assert {what.port_first for what, _ in assignments(history)} == {0, block} - {None}
            assert sum(name.startswith("deterministic_nat") for name in history.feeds) == (rule is not None)


@pytest.mark.parametrize("changed", [{"inside": "10.0.0.0/8"}, {"inside": "2001:db8::/64"}, {"reserved_ports": 65500}])
def test_a_translator_that_cannot_work(changed):
    """A mistyped length, IPv6 and too few ports are errors of configuration."""
    with pytest.raises(ConfigError, match="deterministic_nat"):
        read_history(translator(**changed), radius=[], kea=[], now_ms=NOW_MS)


def test_a_log_without_zone_is_refused(tmp_path):
    """A BSD log without a configured zone tells nothing, and that is said with its reason."""
    log = tmp_path / "cgn.log"
    log.write_text(f"Jun 30 17:44:26 cgn-1 {ALLOC}\n", encoding="utf-8")
    with pytest.raises(InputError, match="no_zone 1"):
        holders(cgnat=[log])
