"""Times: uptime arithmetic, every unit, wrong clocks, and what cannot be."""

from __future__ import annotations

import pytest

from export_builders import (
    EXPORT_S,
    FLOW_FIELDS,
    NOW_MS,
    UPTIME_MS,
    a_set,
    decode,
    flow,
    ipfix,
    ipfix_options_template,
    ipfix_templates,
    new_decoder,
    record,
    template,
    v5,
    v5_record,
    v9,
    v9_templates,
)

V9_TEMPLATE = v9_templates(template(256, FLOW_FIELDS))
NTP_EPOCH_S = 2_208_988_800


def _times(*payloads: bytes, at: int = NOW_MS) -> tuple[int, int]:
    (row,) = decode(new_decoder(), *payloads, at=at)
    return row["flow_start"], row["flow_end"]


def _ipfix(fields, *values):
    fields = [(8, 4), (12, 4), (2, 4), *fields]
    return ipfix(ipfix_templates(template(256, fields)), a_set(256, record(fields, [1, 2, 3, *values])))


def test_uptime_of_v5_and_v9():
    """Export time minus (sysUptime - first), to the millisecond; v5 has nanoseconds in its header."""
    v9_flow = v9(V9_TEMPLATE, a_set(256, flow(first=UPTIME_MS - 2500, last=UPTIME_MS - 700)))
    assert _times(v9_flow) == (NOW_MS - 2500, NOW_MS - 700)
    v5_flow = v5([v5_record(first=UPTIME_MS - 2500, last=UPTIME_MS - 700)], nanoseconds=250_999_999)
    assert _times(v5_flow) == (NOW_MS + 250 - 2500, NOW_MS + 250 - 700)


def test_uptime_wraps_after_49_days():
    """A flow that began before the wrap and ended after it (goflow2 PR 431, pmacct#640)."""
    wrapped = v9(V9_TEMPLATE, a_set(256, flow(first=2**32 - 1500, last=300)), uptime_ms=500)
    assert _times(wrapped) == (NOW_MS - 2000, NOW_MS - 200)


def test_long_flow_keeps_its_duration():
    """A stream of 22 hours is 22 hours long (fastnetmon#615)."""
    day = v9(
        V9_TEMPLATE, a_set(256, flow(first=UPTIME_MS, last=UPTIME_MS + 79_200_000)), uptime_ms=UPTIME_MS + 79_200_000
    )
    assert _times(day) == (NOW_MS - 79_200_000, NOW_MS)


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ([(152, 8), (153, 8)], [NOW_MS - 2000, NOW_MS - 1000]),
        ([(150, 4), (151, 4)], [EXPORT_S - 2, EXPORT_S - 1]),
        ([(154, 8), (155, 8)], [(EXPORT_S - 2 + NTP_EPOCH_S) << 32, (EXPORT_S - 1 + NTP_EPOCH_S) << 32]),
        ([(156, 8), (157, 8)], [(EXPORT_S - 2 + NTP_EPOCH_S) << 32, (EXPORT_S - 1 + NTP_EPOCH_S) << 32]),
        ([(158, 4), (159, 4)], [2_000_000, 1_000_000]),
        ([(160, 8), (22, 4), (21, 4)], [NOW_MS - 50_000, 48_000, 49_000]),
        ([(152, 8), (161, 4)], [NOW_MS - 2000, 1000]),
        ([(153, 8), (162, 4)], [NOW_MS - 1000, 1_000_000]),
    ],
    ids=["ms", "s", "µs", "ns", "delta µs", "uptime", "start and duration", "end and duration"],
)
def test_units(fields, values):
    """Each pair of time elements of IPFIX gives the same two instants."""
    assert _times(_ipfix(fields, *values)) == (NOW_MS - 2000, NOW_MS - 1000)


def test_fraction_of_ntp_time():
    """DateTimeMicroseconds is in NTP format (RFC 7011, 6.1.9): half a second is 2**31."""
    value = (EXPORT_S - 2 + NTP_EPOCH_S) << 32 | 1 << 31
    assert _times(_ipfix([(154, 8), (155, 8)], value, value)) == (NOW_MS - 1500, NOW_MS - 1500)


def test_uptime_of_ipfix_from_options():
    """SystemInitTimeMilliseconds announced in an options record holds for the flows that follow."""
    decoder = new_decoder()
    options = ipfix_options_template(300, [(144, 4)], [(160, 8)])
    decode(decoder, ipfix(options, a_set(300, record([(144, 4), (160, 8)], [1, NOW_MS - 60_000]))))
    (row,) = decode(decoder, _ipfix([(22, 4), (21, 4)], 58_000, 59_500))
    assert (row["flow_start"], row["flow_end"]) == (NOW_MS - 2000, NOW_MS - 500)


def test_uptime_of_ipfix_without_boot_time():
    """Without a boot time only the duration is known: the flow ended at its export."""
    assert _times(_ipfix([(22, 4), (21, 4)], 58_000, 59_500)) == (NOW_MS - 1500, NOW_MS)


def test_wrong_clock_is_shifted():
    """An exporter's clock an hour ahead: times by the arrival, durations kept, counted with the skew."""
    decoder = new_decoder()
    datagram = v9(
        V9_TEMPLATE, a_set(256, flow(first=UPTIME_MS - 9000, last=UPTIME_MS - 1000)), export_s=EXPORT_S + 3600
    )
    (row,) = decode(decoder, datagram, at=NOW_MS)
    assert (row["flow_start"], row["flow_end"]) == (NOW_MS - 9000, NOW_MS - 1000)
    (loss,) = decoder.losses()
    assert (loss.clock_shifted, loss.last_skew_ms) == (1, -3_600_000)


def test_clock_margin_is_not_shifted():
    """Export times in whole seconds make up to two seconds: not a wrong clock."""
    assert _times(v9(V9_TEMPLATE, a_set(256, flow())), at=NOW_MS + 1999) == (NOW_MS - 2000, NOW_MS - 1000)


def test_no_times_are_the_arrival():
    """A record without times happened when it arrived; a time of zero was never set."""
    assert _times(_ipfix([]), at=NOW_MS + 5) == (NOW_MS + 5, NOW_MS + 5)
    assert _times(_ipfix([(150, 4), (151, 4)], 0, 0), at=NOW_MS + 5) == (NOW_MS + 5, NOW_MS + 5)


def test_start_after_end_becomes_the_end():
    """A start after its end is no start."""
    assert _times(v9(V9_TEMPLATE, a_set(256, flow(first=UPTIME_MS - 500, last=UPTIME_MS - 900)))) == (
        NOW_MS - 900,
        NOW_MS - 900,
    )


def test_end_after_the_arrival_is_moved_back():
    """A flow that ends a minute after it arrived is moved back with its duration, and counted."""
    decoder = new_decoder()
    (row,) = decode(decoder, v9(V9_TEMPLATE, a_set(256, flow(first=UPTIME_MS + 50_000, last=UPTIME_MS + 60_000))))
    assert (row["flow_start"], row["flow_end"]) == (NOW_MS - 10_000, NOW_MS)
    assert decoder.losses()[0].ends_ahead == 1


def test_observation_time_of_one_packet():
    """PSAMP's observation time is both start and end."""
    assert _times(_ipfix([(323, 8)], NOW_MS - 700)) == (NOW_MS - 700, NOW_MS - 700)
