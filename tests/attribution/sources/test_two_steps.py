"""From a shared address to a line in two steps: the block's inside address, and who held that meanwhile."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address, ip_network

import pytest

from attribution.sources.blocks import ALLOC, ALLOCATED_MS, RELEASE
from attribution.told import assignments
from sekisho.attribution.history.history import History
from sekisho.attribution.sources.deterministic_nat import DeterministicNat
from sekisho.attribution.sources.events import Begin, End, Held
from sekisho.attribution.sources.translator_log import log_file, read_any
from sekisho.core.reasons import SourceReason
from sekisho.core.time import JST, iso, to_datetime

BLOCK = Held(prefix=ip_network("203.0.113.100/32"), port_first=24064, port_last=24191)
INSIDE = Held(prefix=ip_network("100.64.60.74/32"))
HOUR = 3_600_000


def session(line, begin_ms, end_ms, held=INSIDE):
    who = {"session": line, "server": "bng-1"}
    return [
        Begin(at_ms=begin_ms, received_ms=begin_ms, holder=line, held=(held,), **who),
        End(at_ms=end_ms, received_ms=end_ms, **who),
    ]


@pytest.fixture
def translator(tmp_path):
    """A block that lives for three hours, read from a file."""
    path = tmp_path / "cgn.log"
    rows = [
        f"<14>1 {iso(ALLOCATED_MS)} cgn-1 {ALLOC}\n",
        f"<14>1 {iso(ALLOCATED_MS + 3 * HOUR)} cgn-1 {RELEASE}\n",
    ]
    path.write_text("".join(rows), encoding="utf-8")
    source = log_file(path, zone=None)
    events = source.poll(ALLOCATED_MS + 3 * HOUR)
    source.lines.close()
    return events


def spans(*events):
    with History() as history:
        history.apply("test", events)
        return sorted(
            ((span.holder, span.from_ms, span.to_ms) for what, span in assignments(history) if what == BLOCK),
            key=lambda span: span[1],
        )


def test_the_block_is_split_where_its_inside_holder_changes(translator):
    """Two lines held the inside address while one block lived: each has it for its own time, to the millisecond."""
    change = ALLOCATED_MS + HOUR
    before = session("L1", ALLOCATED_MS - HOUR, change)
    after = session("L2", change, ALLOCATED_MS + 5 * HOUR)
    assert spans(*translator, *before, *after) == [
        ("L1", ALLOCATED_MS, change),
        ("L2", change, ALLOCATED_MS + 3 * HOUR),
    ]


def test_a_time_without_inside_holder_is_nobodys(translator):
    """Between two holders the block is nobody's, although the translator kept it."""
    first = session("L1", ALLOCATED_MS - HOUR, ALLOCATED_MS + HOUR)
    second = session("L2", ALLOCATED_MS + 2 * HOUR, ALLOCATED_MS + 9 * HOUR)
    assert spans(*first, *translator, *second) == [
        ("L1", ALLOCATED_MS, ALLOCATED_MS + HOUR),
        ("L2", ALLOCATED_MS + 2 * HOUR, ALLOCATED_MS + 3 * HOUR),
    ]


def test_another_realm_holds_nothing_here(translator):
    """The same inside address in another realm is another household's."""
    elsewhere = Held(prefix=INSIDE.prefix, realm="cgn-2")
    assert spans(*translator, *session("L9", ALLOCATED_MS, ALLOCATED_MS + HOUR, elsewhere)) == []


def test_deterministic_shares_have_the_lines_of_their_inside_addresses():
    """Computed shares resolve through whoever held the inside address, with no log at all."""
    rule = DeterministicNat(
        inside=IPv4Network("100.64.60.0/24"), outside=IPv4Network("203.0.113.100/32"), valid_from_ms=ALLOCATED_MS
    )
    held = rule.held_by(ip_address("100.64.60.74"))
    events = list(rule.events())
    with History() as history:
        history.apply("nat", events)
        history.apply("radius", session("L1", ALLOCATED_MS, ALLOCATED_MS + HOUR))
        found = [(what, span.holder) for what, span in assignments(history) if what.prefix == held.prefix]
    assert found == [(held, "L1")]


def test_bsd_lines_in_jst(tmp_path):
    """A BSD line of a translator in Japan is the instant that it means, once its zone is configured."""
    path = tmp_path / "cgn.log"
    clock = to_datetime(ALLOCATED_MS).astimezone(JST)
    path.write_text(f"{clock:%b} {clock.day:2} {clock:%H:%M:%S} cgn-1 {ALLOC}\n", encoding="utf-8")
    source = log_file(path, zone=JST)
    events = source.poll(ALLOCATED_MS + 1000)
    source.lines.close()
    (event,) = events
    assert event.at_ms == ALLOCATED_MS


def test_formats_tell_themselves_apart():
    """A line of each format is read by its own reader, and one of none is not relevant."""
    assert read_any(ALLOC).port_first == 24064
    assert read_any("A VRF 0 INT 10.0.0.1 EXT 192.0.2.1:1024-1535").port_first == 1024
    cef = "CEF:0|A10|CGN|5|1|port allocated|5|src=100.64.0.9 sourceTranslatedAddress=192.0.2.7 sourceTranslatedPort=9"
    assert read_any(cef).port_first == 9
    assert read_any("sshd: session opened") is SourceReason.NOT_RELEVANT
