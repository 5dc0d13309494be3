"""What only a whole day tells: a scan too slow for any hour, and a day far above a line's own.

These detectors are asked once a day over the flow store, by whichever engine holds it (``pipeline/daily.py``). All that
they find is ``watch``: a day is a long time for which to be sure who held an address, and nobody is told by them alone.

Both engines first make two tables of the flows, part by part, since sums of parts are the sums of the whole; then the
questions are asked over these tables. All of it is in the portable subset.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sekisho.detect.baseline import HOUR_MS
from sekisho.detect.detector import threshold
from sekisho.detect.detectors.scan import DEVICE_PORTS, ORDINARY_PORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_N = "case when sampling_interval = 0 then 1e0 else sampling_interval end"
_SYN_ALONE = "protocol = 6 and (tcp_flags & 23) = 2"
_DEVICE, _ORDINARY = (", ".join(str(port) for port in ports) for ports in (DEVICE_PORTS, ORDINARY_PORTS))

HOUR_PARTS_SQL = f"""
select src_line as line, boundary, received_at // {HOUR_MS} * {HOUR_MS} as hour_start_ms, count(*) as records,
  cast(sum(cast(octets as double) * {_N}) as double) as octets,
  cast(sum(cast(packets as double)) as double) as sampled_packets,
  cast(sum(case when {_SYN_ALONE} then cast(packets as double) else 0e0 end) as double) as lone_syn
from attributed where src_line > 0 and boundary >= 0
group by src_line, boundary, received_at // {HOUR_MS}
"""
"""What each line sent, by the hour in which it was reported; octets are estimates, packets as sampled."""

HOUR_PARTS_BY = ("line", "boundary", "hour_start_ms")
"""What the parts are of; all else in them are sums."""

LINE_HOUR_SQL = """
with summed as (
  select line, boundary, hour_start_ms, cast(sum(octets) as double) as octets,
    cast(sum(sampled_packets) as double) as sampled_packets, cast(sum(lone_syn) as double) as lone_syn
  from part group by line, boundary, hour_start_ms
), most as (
  select line, boundary, row_number() over (partition by line order by octets desc, boundary) as place
  from (select line, boundary, cast(sum(octets) as double) as octets from summed group by line, boundary) b
)
select s.line, s.hour_start_ms, s.octets, s.sampled_packets, s.lone_syn
from summed s join most m on m.line = s.line and m.boundary = s.boundary
where m.place = 1
"""
"""``line_hour``: each line at the boundary that saw most of it; boundaries are never added up."""

DOOR_PARTS_SQL = f"""
with way as (
  select src_line as line, dst_hi as target_hi, dst_lo as target_lo, dst_port as port,
    received_at // {HOUR_MS} as hour, cast(packets as double) as sampled_packets,
    cast(packets as double) * {_N} as packets,
    case when {_SYN_ALONE} then cast(packets as double) else 0e0 end as lone_syn, 0e0 as answered
  from attributed
  where src_line > 0 and boundary >= 0 and protocol = 6 and dst_port in ({_DEVICE}, {_ORDINARY})
  union all
  select dst_line as line, src_hi as target_hi, src_lo as target_lo, src_port as port,
    received_at // {HOUR_MS} as hour, 0e0 as sampled_packets, 0e0 as packets, 0e0 as lone_syn,
    cast(packets as double) as answered
  from attributed
  where dst_line > 0 and boundary >= 0 and protocol = 6 and (tcp_flags & 18) = 18
    and src_port in ({_DEVICE}, {_ORDINARY})
)
select w.line, w.target_hi, w.target_lo, w.port, w.hour, cast(sum(w.sampled_packets) as double) as sampled_packets,
  cast(sum(w.packets) as double) as packets, cast(sum(w.lone_syn) as double) as lone_syn,
  cast(sum(w.answered) as double) as answered
from way w join asked a on a.line = w.line
group by w.line, w.target_hi, w.target_lo, w.port, w.hour
"""
"""At which doors the lines of ``asked`` knocked and who opened, at any boundary: doors are counted, not packets."""

DOOR_PARTS_BY = ("line", "target_hi", "target_lo", "port", "hour")
"""What the parts are of; all else in them are sums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowScanParams:
    """Thresholds of ``slow_scan``; the numbers given are those of a home."""

    device_targets: float = threshold(
        300, "addresses a day", "one in five minutes, on ports that see no ordinary traffic at all"
    )
    ordinary_targets: float = threshold(
        3000, "addresses a day", "dead hosts of a crawler's whole day; a scan of one in half a minute"
    )
    probes: float = threshold(12, "distinct targets seen", "as many lone SYN to different addresses are no stray ones")
    probes_an_other: float = threshold(2, "probes", "an ordinary connection sends three more packets a SYN")
    hours: float = threshold(6, "hours", "what is over sooner is for the detectors that look at an hour")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayVolumeParams:
    """Thresholds of ``day_volume``; the numbers given are those of a home."""

    octets: float = threshold(20e9, "octets a day", "1.9 Mb/s all day: below it nobody is harmed, usual or not")
    weeks: float = threshold(3, "weeks", "as for the hour's anomaly")
    hours: float = threshold(20, "hours", "of the day's hours those of which enough is known")
    spreads: float = threshold(2, "spreads", "a whole day differs less from another than an hour does")
    least_spread: float = threshold(1, "octaves", "three or four weeks tell a spread poorly: four times the usual")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayDetector:
    """One question about a day.

    Attributes:
        name: of the detector; kind: what it reports.
        params: thresholds by group of lines.
        sql: SELECT over ``line_hour``, ``line_day_door``, ``baseline`` and ``params``: one row a finding, with
            ``line`` and evidence in numbers.
        explain: one sentence about a row.
    """

    name: str
    kind: str
    params: Mapping[str, Any]
    sql: str
    explain: Callable[[Mapping[str, float], str], str]


SLOW_SCAN_SQL = f"""
with pair as (
  select line, port, target_hi, target_lo, cast(sum(sampled_packets) as double) as sampled_packets,
    cast(sum(packets) as double) as packets, cast(sum(lone_syn) as double) as lone_syn,
    cast(sum(answered) as double) as answered, min(hour) as hour
  from line_day_door group by line, port, target_hi, target_lo
), judged as (
  select *, case when lone_syn > 0 and lone_syn >= 8e-1 * sampled_packets and answered = 0 then 1 else 0 end as probe
  from pair where sampled_packets > 0
), door as (
  select line, port, sum(cast(probe as double)) as probes, sum(cast(1 - probe as double)) as others,
    sum(cast(packets as double)) / sum(cast(sampled_packets as double)) as scale,
    cast(count(distinct case when probe = 1 then hour else null end) as double) as hours
  from judged group by line, port
)
select d.line, d.port, d.probes, d.others, d.probes * d.scale as likely_targets, d.hours,
  case when d.port in ({_DEVICE}) then p.device_targets else p.ordinary_targets end as opens_targets
from door d join params p on p.line = d.line
where d.probes >= p.probes and d.probes >= p.probes_an_other * d.others and d.hours >= p.hours
  and d.probes * d.scale >= case when d.port in ({_DEVICE}) then p.device_targets else p.ordinary_targets end
order by d.line, d.port
"""

DAY_VOLUME_SQL = """
with known as (
  select h.line, sum(cast(h.octets as double)) as day_octets, sum(cast(b.usual_octets as double)) as usual_octets,
    cast(count(*) as double) as hours, cast(min(b.weeks) as double) as weeks, avg(b.spread) as spread
  from line_hour h
    join baseline b on b.line = h.line and b.hour_start_ms = h.hour_start_ms
    join params p on p.line = h.line
  where b.weeks >= p.weeks
  group by h.line
)
select k.line, k.day_octets, k.usual_octets, k.hours, k.weeks,
  pow(2, p.spreads * greatest(k.spread, p.least_spread)) as opens_times_usual
from known k join params p on p.line = k.line
where k.hours >= p.hours and k.day_octets >= p.octets
  and k.day_octets >= k.usual_octets * pow(2, p.spreads * greatest(k.spread, p.least_spread))
order by k.line
"""


def explain_slow_scan(row: Mapping[str, float], lang: str) -> str:
    """What was knocked at."""
    targets, hours, port = row["likely_targets"], row["hours"], row["port"]
    if lang == "ja":
        return (
            f"1 日に約 {targets:,.0f} 個のアドレスのポート {port:.0f} へ、接続要求 (SYN) だけのパケットが、"
            f"{hours:.0f} の時間帯に分けて少しずつ送られています。"
        )
    return (
        f"Connection requests (SYN), nothing else, to about {targets:,.0f} addresses on port {port:.0f} in one day, "
        f"a few at a time in {hours:.0f} different hours."
    )


def explain_day_volume(row: Mapping[str, float], lang: str) -> str:
    """How much more than usual."""
    day, usual = row["day_octets"] / 1e9, row["usual_octets"] / 1e9
    if lang == "ja":
        return f"この日の送信量は {day:,.1f} GB です。普段の同じ曜日・時間帯では合計 {usual:,.1f} GB です。"
    return f"{day:,.1f} GB sent on this day; at these hours of the week, {usual:,.1f} GB are usual."


_SLOW_SCAN = {
    "home": SlowScanParams(),
    "business": SlowScanParams(ordinary_targets=6000),
    "building": SlowScanParams(device_targets=600, ordinary_targets=9000),
    "reseller": SlowScanParams(device_targets=1500, ordinary_targets=30_000),
    "server": SlowScanParams(ordinary_targets=20_000),
}

LONE_SYN_ASKED = min(params.probes for params in _SLOW_SCAN.values())
"""Lines with fewer in a day are not asked for their doors."""

DAY_DETECTORS = (
    DayDetector(
        name="slow_scan",
        kind="scan",
        params=_SLOW_SCAN,
        sql=SLOW_SCAN_SQL,
        explain=explain_slow_scan,
    ),
    DayDetector(
        name="day_volume",
        kind="volume_anomaly",
        params={
            "home": DayVolumeParams(),
            "business": DayVolumeParams(octets=100e9),
            "building": DayVolumeParams(octets=200e9),
            "reseller": DayVolumeParams(octets=500e9),
            "server": DayVolumeParams(octets=500e9),
        },
        sql=DAY_VOLUME_SQL,
        explain=explain_day_volume,
    ),
)
"""Every question about a day; a new one is one row."""
