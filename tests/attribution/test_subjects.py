"""Senders without a line: what gets a key, whose answers find it, and what happens when the table is full."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from attribution.network import NOON_MS, flows, loaded
from sekisho.attribution.subjects import SILENT_MS, Subjects
from sekisho.core.reasons import UnattributedReason as Reason
from sekisho.schema.subject import is_address, is_interface, is_line

OURS = {"prefixes": ("203.0.113.0/24", "2001:db8::/32")}
FROM_SUBSCRIBER = {"from_subscribers": 1, "ingress_if": 10, "exporter": 3, "received_at": NOON_MS}


def named(tmp_path, *records, limit=64):
    attributor = loaded(tmp_path, "A,203.0.113.1,,,,", "C,203.0.113.9,1024,2047,,", **OURS)
    subjects = Subjects(limit=limit)
    subjects.start()
    batch = flows(*records)
    attributor.attribute(batch)
    subjects.name(batch)
    return subjects, batch


def test_a_source_of_ours_without_a_line_gets_a_key_and_says_why(tmp_path):
    """No assignment, a shared address without a port: each is a sender; a line keeps its own key."""
    subjects, batch = named(
        tmp_path,
        {"src": "203.0.113.7", "dst": "198.51.100.1", "ingress_if": 4, "exporter": 2},
        {"src": "203.0.113.9", "dst": "198.51.100.1", "protocol": 47},
        {"src": "203.0.113.1", "dst": "198.51.100.1"},
    )
    first, second, line = batch.column("src_line").tolist()
    assert (is_address(first), is_address(second), is_line(line)) == (True, True, True)
    found = subjects.get(first)
    assert (str(found.address), found.reason, found.exporter, found.interface) == (
        "203.0.113.7",
        Reason.NO_ASSIGNMENT,
        2,
        4,
    )
    assert subjects.get(second).reason is Reason.NEEDS_PORT
    assert subjects.get(line) is None


def test_ipv6_counts_by_the_64(tmp_path):
    """A host may choose a new interface identifier for each packet: it stays one sender."""
    subjects, batch = named(tmp_path, *({"src": f"2001:db8:9:8::{k:x}", "dst": "2001:db9::1"} for k in (1, 0xFFFF, 77)))
    assert len(set(batch.column("src_line").tolist())) == 1
    assert subjects.get(int(batch.column("src_line")[0])).address == ip_address("2001:db8:9:8::")


def test_an_answer_finds_the_sender_and_a_stray_packet_makes_none(tmp_path):
    """What comes back to a sender has its key; who is only scanned from outside gets none."""
    subjects, batch = named(
        tmp_path,
        {"src": "198.51.100.1", "dst": "203.0.113.8"},
        {"src": "203.0.113.7", "dst": "198.51.100.1"},
        {"src": "198.51.100.1", "dst": "203.0.113.7"},
    )
    assert batch.column("dst_line").tolist() == [0, 0, int(batch.column("src_line")[1])]
    assert subjects.get(int(batch.column("dst_line")[2])) is not None


def test_forged_sources_belong_to_the_interface(tmp_path):
    """Sources that are nobody's of ours, from the subscribers' side to the outside: one key, sources counted."""
    forged = [{**FROM_SUBSCRIBER, "src": f"8.{k}.4.4", "dst": "198.51.100.1"} for k in range(40)]
    subjects, batch = named(tmp_path, *forged)
    (key,) = set(batch.column("src_line").tolist())
    assert is_interface(key)
    found = subjects.get(key)
    assert (found.exporter, found.interface, found.reason) == (3, 10, Reason.NOT_OURS)
    assert 16 <= found.sources <= 40


def test_forged_ipv6_sources_count_by_the_64(tmp_path):
    """A thousand addresses of one /64 may be one host: they are one source."""
    forged = [{**FROM_SUBSCRIBER, "src": f"2a00:1::{k:x}", "dst": "2001:db9::1"} for k in range(1, 1000, 7)]
    subjects, batch = named(tmp_path, *forged)
    assert subjects.get(int(batch.column("src_line")[0])).sources == 1


@pytest.mark.parametrize(
    "change",
    [{"from_subscribers": 0}, {"src": "192.168.1.5"}, {"dst": "203.0.113.1"}],
    ids=["not a subscriber's interface", "leaked private source", "towards us"],
)
def test_what_is_no_forged_source(tmp_path, change):
    """Transit, leaked special-use sources and traffic towards our lines are nobody's forgery."""
    record = {**FROM_SUBSCRIBER, "src": "8.8.4.4", "dst": "198.51.100.1", **change}
    _, batch = named(tmp_path, record)
    assert batch.column("src_line").tolist() == [0]


def test_at_the_limit_records_are_counted_and_silent_senders_make_room(tmp_path):
    """64 senders fit; the others are counted. What is silent leaves, what was detected stays."""
    records = [{"src": f"203.0.113.{k}", "dst": "198.51.100.1", "received_at": NOON_MS} for k in range(100, 180)]
    subjects, batch = named(tmp_path, *records)
    keys = batch.column("src_line").tolist()
    assert (keys.count(0), subjects.records_left_out) == (16, 16)
    assert subjects.is_nearly_full
    subjects.make_room(NOON_MS + SILENT_MS + 1, keep={keys[5]})
    assert [key for key in keys if key and subjects.get(key)] == [keys[5]]
    assert not subjects.is_nearly_full
    subjects.make_room(NOON_MS, keep=())
    assert subjects.get(keys[5]) is not None
