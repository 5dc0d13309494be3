"""Port blocks from the logs of translators, and NAT events from the collector itself."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.sources.blocks import ALLOC, ALLOCATED_MS, INTERIM, OUTSIDE, PAIRS, RELEASE
from sekisho.attribution.sources.cgnat import ipfix, juniper, nfware
from sekisho.attribution.sources.cgnat.block import Block, Change, Realms
from sekisho.attribution.sources.cgnat.cef import Cef
from sekisho.attribution.sources.ds_lite import Shape
from sekisho.attribution.sources.events import Begin, Confirm, End, Held, Inside
from sekisho.core.errors import ConfigError
from sekisho.core.reasons import SourceReason
from sekisho.wire.options import Event
from shared_data import shared

BLOCK = Block(change=Change.ALLOCATED, outside=OUTSIDE, port_first=24064, port_last=24191, holder="100.64.60.74")
CEF = (
    "CEF:0|A10|CGN|5.2.1|CGN 101|{}|5|src=100.64.0.9 spt=4000 sourceTranslatedAddress=192.0.2.7 "
    "sourceTranslatedPort=2048 cn1=2111 cn1Label=lastPort"
)
READERS = (juniper.read_message, nfware.read_message, Cef().read_message)


@pytest.mark.parametrize(
    ("message", "change", "since_ms"),
    [
        (ALLOC, Change.ALLOCATED, None),
        (RELEASE, Change.RELEASED, None),
        (INTERIM, Change.STILL_HELD, ALLOCATED_MS),
    ],
)
def test_junos_sentences(message, change, since_ms):
    """Allocation, release and interim name the same block; only the interim's epoch is the beginning."""
    assert juniper.read_message(message) == replace(BLOCK, change=change, since_ms=since_ms)


def test_junos_pairs():
    """The structured form names inside as internal-ip and outside as reflexive-ip."""
    block = juniper.read_message(PAIRS)
    assert (block.holder, block.outside) == ("10.0.10.10", IPv4Address("192.0.2.172"))
    assert (block.port_first, block.port_last) == (48640, 48895)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("RT_FLOW: RT_FLOW_SESSION_CREATE: session created", SourceReason.NOT_RELEVANT),
        ("RT_NAT: RT_SRC_NAT_PBA_OUT: pool", SourceReason.UNKNOWN_SHAPE),
        (ALLOC.replace("24191", "2419"), SourceReason.MALFORMED),
        (ALLOC.replace("24191", "99999"), SourceReason.MALFORMED),
        (ALLOC.replace("100.64.60.74", "100.64.60.740"), SourceReason.MALFORMED),
        (ALLOC[:90], SourceReason.MALFORMED),
    ],
)
def test_what_junos_lines_are_refused(message, reason):
    """Each line that gives no block gives a closed reason, never half a block."""
    assert juniper.read_message(message) is reason


@pytest.mark.parametrize(
    ("name", "change"),
    [("NAT port batch allocated", Change.ALLOCATED), ("NAT port batch deallocated", Change.RELEASED)],
)
def test_cef_batches(name, change):
    """A batch's end comes from the configured key or label, or from its configured size; "deallocated" is an end."""
    by_label = Cef(port_last="lastPort").read_message(CEF.format(name))
    by_size = Cef(batch_size=64).read_message(CEF.format(name))
    assert by_label == by_size
    assert (by_label.change, by_label.port_first, by_label.port_last) == (change, 2048, 2111)
    assert Cef().read_message(CEF.format(name)).port_last == 2048


def test_cef_that_tells_no_block():
    """Another product, an event of another kind and missing keys have their reasons."""
    assert Cef().read_message(CEF.format("allocated").replace("A10", "Other")) is SourceReason.NOT_RELEVANT
    assert Cef().read_message(CEF.format("quota exceeded")) is SourceReason.UNKNOWN_SHAPE
    assert Cef(inside="c6a2").read_message(CEF.format("allocated")) is SourceReason.NO_HOLDER
    assert Cef(outside="dst").read_message(CEF.format("allocated")) is SourceReason.NOTHING_HELD


@pytest.mark.parametrize(
    ("message", "ports", "change"),
    [
        ("A VRF 0 INT 10.0.0.1 EXT 192.0.2.1:1024-1535", (1024, 1535), Change.ALLOCATED),
        ("D VRF 0 INT 10.0.0.1 EXT 192.0.2.1:1024-1535", (1024, 1535), Change.RELEASED),
        ("A VRF 0 INT 10.0.0.1 EXT 192.0.2.1", (0, 65535), Change.ALLOCATED),
        (
            "A VRF 0 6 INT 10.0.0.1:57938 EXT 192.0.2.1:28475 DST 198.51.100.1:443 DIR OUT",
            (28475, 28475),
            Change.ALLOCATED,
        ),
    ],
)
def test_nfware_lines(message, ports, change):
    """Blocks, whole addresses and single ports of sessions."""
    block = nfware.read_message(message)
    assert ((block.port_first, block.port_last), block.change, block.holder) == (ports, change, "10.0.0.1")


def test_sessions_of_one_port_are_told_apart():
    """A port is held until its last session ends: sessions to two destinations have two names, begin and end one."""
    line = "{} VRF 0 6 INT 10.0.0.1:57938 EXT 192.0.2.1:28475 DST {} DIR OUT"
    begin, end, other = (
        nfware.read_message(line.format(*words)).session
        for words in (("A", "198.51.100.1:443"), ("D", "198.51.100.1:443"), ("A", "198.51.100.2:443"))
    )
    assert begin == end != other


def _records(name):
    text = shared(f"lines/cgn/tests/radius/{name}").read_text(encoding="utf-8")
    for part in re.split(r"\n\s*\n", text.strip()):
        rows = (row.partition("=") for row in part.splitlines())
        yield {key.strip(): value.strip().strip('"') for key, _, value in rows}


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("nfware_port_block_mapping.template", [("192.168.1.30", "10.10.10.30", 10000, 10099)]),
        ("nfware_port_mapping.template", [("192.168.1.10", "10.10.10.10", 54321, 54321)]),
    ],
)
def test_radius_samples(name, blocks):
    """The accounting samples of a translator give inside, outside and ports."""
    read = [nfware.read_accounting(record) for record in _records(name)]
    assert [(b.holder, str(b.outside), b.port_first, b.port_last) for b in read] == blocks
    assert {b.change for b in read} == {Change.ALLOCATED}


def test_radius_session_sample():
    """All eight session records are read, each under its own session."""
    read = [nfware.read_accounting(record) for record in _records("nfware_session.template")]
    assert len({block.session for block in read}) == len(read) == 8
    assert (str(read[0].outside), read[0].port_first) == ("10.10.10.20", 12345)


def test_radius_records_without_a_block():
    """A request of another kind, without inside address or without ports has its reason."""
    full = {"Acct-Status-Type": 1, "NFWare-vCGNAT-Inside-Addr": "10.0.0.1", "NFWare-vCGNAT-Nat-Addr": "192.0.2.1"}
    assert nfware.read_accounting({"Acct-Status-Type": 1}) is SourceReason.NOT_RELEVANT
    assert nfware.read_accounting(full) is SourceReason.NOTHING_HELD
    without = {name: value for name, value in full.items() if "Inside" not in name}
    assert nfware.read_accounting(without) is SourceReason.NO_HOLDER
    ports = full | {"NFWare-vCGNAT-NAT-Port": "2000"}
    assert nfware.read_accounting(ports | {"Acct-Status-Type": 7}) is SourceReason.UNKNOWN_SHAPE
    assert nfware.read_accounting(ports | {"NFWare-vCGNAT-NAT-Port": "x"}) is SourceReason.MALFORMED


def test_syslog_sample_shapes_are_known():
    """Every Junos word of the independent list of shapes that tells of a block is one that the reader knows."""
    text = shared("lines/cgn/syslog.yaml").read_text(encoding="utf-8")
    words = re.findall(r"RT_SRC_NAT_PBA_\w+", text)
    assert len(words) == 3
    for word in words:
        assert juniper.read_message(ALLOC.replace("RT_SRC_NAT_PBA_ALLOC", word)).outside == OUTSIDE


REALMS = Realms(inside="cgn-1")


def nat_event(**fields):
    return Event(kind="nat_event", row=0, exporter=0, observation_domain_id=1, received_at=5_000, fields=fields)


def test_events_of_a_block():
    """An allocation begins, an interim confirms, a release ends; the holder is an address of the inside realm."""
    times = {"at_ms": 1_000, "received_ms": 1_500, "server": "bng-1"}
    held = Held(prefix=IPv4Network("203.0.113.100/32"), port_first=24064, port_last=24191)
    for change, kind in ((Change.ALLOCATED, Begin), (Change.STILL_HELD, Confirm), (Change.RELEASED, End)):
        event = replace(BLOCK, change=change).event(REALMS, **times)
        assert type(event) is kind
        assert (event.session, event.held) == (held.session, (held,))
        assert event.holder == Inside(address=IPv4Address("100.64.60.74"), realm="cgn-1")


@pytest.mark.parametrize(("event", "kind"), [(16, Begin), (17, End)])
def test_ipfix_port_blocks(event, kind):
    """RFC 8158 events 16 and 17 carry a range of ports; its end may be told by a number of ports."""
    fields = {
        "natEvent": event,
        "observationTimeMilliseconds": 4_000,
        "sourceIPv4Address": "100.64.0.9",
        "postNATSourceIPv4Address": "192.0.2.7",
        "portRangeStart": 2048,
    }
    for end in ({"portRangeEnd": 2559}, {"portRangeNumPorts": 512}):
        read = ipfix.read_event(nat_event(**fields, **end), realms=REALMS, exporter="198.51.100.1")
        assert type(read) is kind
        assert (read.at_ms, read.received_ms, read.server) == (4_000, 5_000, "198.51.100.1")
        assert (read.held[0].port_first, read.held[0].port_last) == (2048, 2559)
        assert read.holder == Inside(address=IPv4Address("100.64.0.9"), realm="cgn-1")


@pytest.mark.parametrize(
    ("subscriber", "holder"),
    [("LSN-Host@10.10.10.101", Inside(address=IPv4Address("10.10.10.101"), realm="cgn-1")), ("line-4711", "line-4711")],
)
def test_nokia_names_the_subscriber(subscriber, holder):
    """Nokia's string is an inside address behind "@", or the subscriber itself; beginning and end by their times."""
    fields = {"postNATSourceIPv4Address": "192.0.2.7", "postNAPTSourceTransportPort": 4096, "flowId": 9}
    text = {ipfix.SUBSCRIBER: subscriber.encode().hex()}
    begin = ipfix.read_event(nat_event(flowStartMilliseconds=1_000, **fields, **text), realms=REALMS, exporter="e")
    end = ipfix.read_event(nat_event(flowEndMilliseconds=2_000, **fields, **text), realms=REALMS, exporter="e")
    assert (type(begin), type(end)) == (Begin, End)
    assert begin.holder == holder
    assert begin.session == end.session


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"observationTimeMilliseconds": 0}, SourceReason.NO_TIME),
        ({"natEvent": 3}, SourceReason.NOT_RELEVANT),
        ({"sourceIPv4Address": ""}, SourceReason.NO_HOLDER),
        ({"portRangeStart": 0}, SourceReason.NOTHING_HELD),
        ({"portRangeStepSize": 4}, SourceReason.NOTHING_HELD),
        ({"portRangeEnd": 1}, SourceReason.MALFORMED),
    ],
)
def test_ipfix_records_without_a_block(changed, reason):
    """No time, another event, no inside address, no range, a range with steps and a wrong one have their reasons."""
    fields = {
        "natEvent": 16,
        "observationTimeMilliseconds": 4_000,
        "sourceIPv4Address": "100.64.0.9",
        "postNATSourceIPv4Address": "192.0.2.7",
        "portRangeStart": 2048,
        "portRangeEnd": 2559,
    }
    assert ipfix.read_event(nat_event(**fields | changed), realms=REALMS, exporter="e") is reason


AFTR = r"(?P<change>add|del) softwire (?P<inside>[0-9a-f:]+) (?P<outside>[\d.]+) (?P<port_first>\d+)-(?P<port_last>\d+)"
WORDS = {"add": "allocated", "del": "released"}


def test_ds_lite_by_the_operators_expression():
    """An AFTR's line gives the household's IPv6 address behind the block."""
    shape = Shape.configured("sekisho.toml", "pattern", AFTR, WORDS)
    block = shape.read_message("aftr: del softwire 2001:db8:12:3400::1 192.0.2.9 3072-4095")
    assert (block.change, block.holder) == (Change.RELEASED, "2001:db8:12:3400::1")
    assert (block.port_first, block.port_last) == (3072, 4095)
    assert shape.read_message("aftr: keepalive") is SourceReason.NOT_RELEVANT
    assert shape.read_message("add softwire 2001:db8::g 192.0.2.9 9-8") is SourceReason.NOT_RELEVANT
    assert shape.read_message("add softwire 2001:db8::1 192.0.2.9 9-8") is SourceReason.MALFORMED


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", WORDS),
        (r"(?P<outside>\S+) (?P<port_first>\d+)", WORDS),
        (r"(?P<outside>\S+) (?P<port_first>\d+) (?P<inside>\S+) (?P<line_id>\S+)", WORDS),
        (r"(?P<outside>\S+) (?P<port_first>(\d+)+) (?P<inside>\S+)", WORDS),
        (AFTR, {"add": "begin"}),
    ],
)
def test_an_expression_that_cannot_work_is_refused_at_start(pattern, words):
    """No expression, no holder, two holders, an endless repetition and an unknown word are errors of configuration."""
    with pytest.raises(ConfigError):
        Shape.configured("sekisho.toml", "pattern", pattern, words)


@given(
    st.one_of(
        st.text(max_size=300),
        st.sampled_from([ALLOC, PAIRS, CEF]).flatmap(
            lambda valid: st.tuples(st.integers(0, len(valid)), st.text(max_size=40)).map(
                lambda cut: valid[: cut[0]] + cut[1]
            )
        ),
    )
)
def test_any_message_is_a_block_or_has_a_reason(message):
    """Any text is read or has a closed reason; a block's ports are in order."""
    for read in READERS:
        block = read(message)
        assert isinstance(block, SourceReason) or 0 <= block.port_first <= block.port_last <= 65535


@given(
    st.integers(0, 65535).flatmap(lambda first: st.tuples(st.just(first), st.integers(first, 65535))),
    st.ip_addresses(v=4),
    st.ip_addresses(v=4),
)
def test_junos_round_trip(ports, inside, outside):
    """What a translator writes of any block comes back."""
    message = ALLOC.replace("24064-24191", f"{ports[0]}-{ports[1]}")
    message = message.replace("100.64.60.74", str(inside)).replace("203.0.113.100", str(outside))
    block = juniper.read_message(message)
    assert (block.port_first, block.port_last, block.holder, block.outside) == (*ports, str(inside), outside)
