"""Loss from sequence numbers: units, size of a gap, and what is no loss."""

from __future__ import annotations

import pytest

from export_builders import (
    EXPORT_S,
    FLOW_FIELDS,
    IPFIX_FIELDS,
    a_set,
    decode,
    decode_datagrams,
    flow,
    ipfix,
    ipfix_flow,
    ipfix_options_template,
    ipfix_templates,
    new_decoder,
    read_pcap,
    template,
    v5,
    v5_record,
    v9,
    v9_templates,
)
from sekisho.wire.datagrams import Datagrams
from shared_data import shared

V9_TEMPLATE = v9_templates(template(256, FLOW_FIELDS))
IPFIX_TEMPLATE = ipfix_templates(template(256, IPFIX_FIELDS))


def _v9(sequence: int, **header: int) -> bytes:
    return v9(V9_TEMPLATE, a_set(256, flow()), sequence=sequence, **header)


def _ipfix(sequence: int, records: int = 2, **header: int) -> bytes:
    return ipfix(IPFIX_TEMPLATE, a_set(256, ipfix_flow() * records), sequence=sequence, **header)


def _loss(*payloads: bytes):
    decoder = new_decoder()
    decode(decoder, *payloads)
    (loss,) = decoder.losses()
    return loss


@pytest.mark.parametrize(
    ("unit", "payloads"),
    [
        ("flows", [v5([v5_record()] * 2, sequence=n) for n in (10, 12, 20, 22)]),
        ("packets", [_v9(n) for n in (10, 11, 18, 19)]),
        ("records", [_ipfix(n) for n in (10, 12, 20, 22)]),
    ],
)
def test_a_gap_is_units_lost(unit, payloads):
    """v5 counts flows, v9 export packets, IPFIX data records; the size of the gap is what was lost."""
    loss = _loss(*payloads)
    assert (loss.unit, loss.lost_units, loss.gaps) == (unit, 6, 1)
    assert loss.expected_units == (4 if unit == "packets" else 8) + 6


def test_ipfix_counts_options_records():
    """Options data records count in the sequence (RFC 7011, 3.1): nfdump counts a gap after each of them."""
    options = ipfix_options_template(257, [(144, 4)], [(41, 8)])
    sets = (options, IPFIX_TEMPLATE, a_set(257, bytes(12)), a_set(256, ipfix_flow() * 2))
    loss = _loss(ipfix(*sets, sequence=0), _ipfix(3), _ipfix(5), _ipfix(7, 1), ipfix(*sets, sequence=8), _ipfix(11))
    assert (loss.lost_units, loss.options_records) == (0, 2)


def test_exporter_that_counts_the_message_itself():
    """Softflowd counts the records of the message itself and no options: that is a reading, not loss."""
    loss = _loss(*(_ipfix(sequence, records) for sequence, records in ((2, 2), (5, 3), (6, 1), (10, 4), (11, 1))))
    assert loss.lost_units == 0


def test_loss_is_not_read_away():
    """Of several readings the one with fewest jumps holds: six records lost stay lost."""
    sizes = [3, 1, 4, 2, 5, 1, 2, 6, 2, 1]
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    loss = _loss(*(_ipfix(s, n) for i, (s, n) in enumerate(zip(starts, sizes, strict=True)) if i not in {4, 5}))
    assert (loss.lost_units, loss.gaps) == (6, 1)


def test_reordering_is_no_loss():
    """Datagrams that change places on the way leave no loss behind."""
    loss = _loss(*(_v9(n) for n in (1, 2, 5, 4, 3, 6)))
    assert (loss.lost_units, loss.gaps, loss.reordered) == (0, 0, 2)


def test_reordering_over_the_middle_of_a_gap():
    """A late datagram from the middle of a gap leaves both of its ends lost."""
    loss = _loss(*(_v9(n) for n in (1, 7, 4, 8)))
    assert (loss.lost_units, loss.reordered) == (4, 1)


def test_duplicates_change_nothing():
    """A datagram that comes twice does not make up for one that was lost."""
    loss = _loss(*(_v9(n) for n in (1, 2, 2, 5, 5)))
    assert loss.lost_units == 2


def test_restart_is_no_loss():
    """A count that begins anew after a reboot (sysUptime fell) or with later export times is no loss."""
    rebooted = [_v9(900), _v9(901), _v9(0, uptime_ms=1000, export_s=EXPORT_S + 60), _v9(1, export_s=EXPORT_S + 61)]
    assert (_loss(*rebooted).lost_units, _loss(*rebooted).restarts) == (0, 1)
    process = [_ipfix(900), _ipfix(902), _ipfix(0, export_s=EXPORT_S + 60), _ipfix(2, export_s=EXPORT_S + 61)]
    assert (_loss(*process).lost_units, _loss(*process).restarts) == (0, 1)


def test_uptime_wrap_is_no_restart():
    """SysUptime runs over after 49.7 days; with the sequence going on that is nothing."""
    loss = _loss(_v9(1, uptime_ms=2**32 - 500), _v9(2, uptime_ms=500, export_s=EXPORT_S + 1))
    assert (loss.lost_units, loss.restarts) == (0, 0)


def test_sequence_wraps():
    """The sequence number runs over at 2**32."""
    assert _loss(*(_v9(n) for n in (2**32 - 1, 0, 2))).lost_units == 1


def test_unknown_set_resynchronises():
    """Where a set cannot be counted for want of its template, the next message is no gap (IPFIX)."""
    unknown = ipfix(a_set(999, bytes(40)), sequence=4)
    loss = _loss(_ipfix(0), _ipfix(2), unknown, _ipfix(9), _ipfix(11))
    assert (loss.lost_units, loss.resyncs) == (0, 1)


def test_accounts_are_kept_by_domain():
    """Two observation domains of one exporter count apart."""
    decoder = new_decoder()
    decode(decoder, _v9(1, domain=1), _v9(500, domain=2), _v9(2, domain=1), _v9(501, domain=2))
    assert [(loss.domain, loss.lost_units) for loss in decoder.losses()] == [(1, 0), (2, 0)]


def test_clean_captures_have_no_loss():
    """Captures of softflowd, v9 and IPFIX, none of whose datagrams was lost."""
    captures = [path for path in sorted(shared("flow/exports").glob("*.pcap")) if "sflow" not in path.name]
    assert captures
    for path in captures:
        decoder = new_decoder()
        decode_datagrams(decoder, Datagrams.of((at, 0, port, data) for at, _, port, _, data in read_pcap(path)))
        assert [(loss.lost_units, loss.restarts) for loss in decoder.losses()] == [(0, 0)], path.name
        assert not decoder.drops, path.name
