# ruff: noqa: S608  the statements are put together from the schema alone
"""The SQL that defines line_window and line_target, in the portable subset; the kernel is tested equal to it.

Too slow for the live path (1 to 3 M records/s a thread), it is what Spark runs over the store and what says, in one
place, what the tables mean. Tables that it reads:

- ``flow_ms``: the columns of ``FLOW_MS``, attributed and annotated flows with integer times, in order of arrival;
- ``exporter_cap``: ``exporter``, ``active_cap_ms``, ``lateness_ms``;
- ``step``: ``i`` from 0 to the most windows that one flow reaches.

What is not in the definition: the horizon of seventy minutes and the limits on rows, of the kernel alone.
"""

from __future__ import annotations

from sekisho.schema.line_target import BLOCK_MS, PAIRS_CAP, REST_PORT
from sekisho.schema.line_window import FEATURES, REFLECTOR_PORTS, WINDOW_MS, Feature
from sekisho.schema.table import Column, Table, Type
from sekisho.windows.limits import ANSWER_WAIT_MS

FLOW_MS = Table(
    name="flow_ms",
    meaning="Attributed flows with integer times.",
    columns=(
        Column(name="arrival", type=Type.INT64, meaning="running number of arrival, unique"),
        Column(name="received_ms", type=Type.INT64, unit="ms", meaning="flow.received_at, in order of arrival"),
        Column(name="start_ms", type=Type.INT64, unit="ms", meaning="flow.flow_start"),
        Column(name="end_ms", type=Type.INT64, unit="ms", meaning="flow.flow_end"),
        Column(name="exporter", type=Type.INT64, meaning="code of the exporter"),
        Column(name="sampling_interval", type=Type.FLOAT64, meaning="flow.sampling_interval"),
        *(
            Column(name=name, type=Type.INT64, meaning=f"flow.{name}")
            for name in ("src_hi", "src_lo", "dst_hi", "dst_lo")
        ),
        *(Column(name=name, type=Type.INT64, meaning=f"flow.{name}") for name in ("src_port", "dst_port", "protocol")),
        Column(name="icmp_type_code", type=Type.INT64, meaning="flow.icmp_type_code"),
        Column(name="tcp_flags", type=Type.INT64, meaning="flow.tcp_flags"),
        Column(name="packets", type=Type.INT64, unit="packets", meaning="flow.packets"),
        Column(name="octets", type=Type.INT64, unit="octets", meaning="flow.octets"),
        Column(name="fragment", type=Type.INT64, meaning="1 where flow.fragment"),
        Column(name="forwarding_status", type=Type.INT64, meaning="flow.forwarding_status"),
        Column(name="src_line", type=Type.INT64, meaning="flow.src_line"),
        Column(name="dst_line", type=Type.INT64, meaning="flow.dst_line"),
        Column(name="boundary", type=Type.INT64, meaning="observation boundary, -1 = left out"),
        Column(name="src_inferred", type=Type.INT64, meaning="1 where the source's line is inferred"),
        Column(name="dst_inferred", type=Type.INT64, meaning="1 where the destination's line is inferred"),
    ),
)
"""What the definition reads of a flow: columns of ``FLOW`` with integer times, and what the pipeline adds."""

_SIDES = """
bounded as (
  select
    f.*, c.active_cap_ms, c.lateness_ms,
    case when f.sampling_interval = 0 then 1e0 else f.sampling_interval end as n,
    least(f.end_ms, f.received_ms) as last_ms
  from flow_ms f join exporter_cap c on f.exporter = c.exporter
  where f.boundary >= 0
),
spanned as (
  select *, least(greatest(start_ms, last_ms - active_cap_ms), last_ms) as first_ms from bounded
),
seen_by as (
  select
    {columns},
    0 as side, src_line as line, dst_hi as peer_hi, dst_lo as peer_lo, src_port as own, dst_port as peer,
    src_inferred as inferred
  from spanned where src_line <> 0
  union all
  select
    {columns},
    1 as side, dst_line as line, src_hi as peer_hi, src_lo as peer_lo, dst_port as own, src_port as peer,
    dst_inferred as inferred
  from spanned where dst_line <> 0
),
side as (
  select *,
    case when protocol = 17 and own in {reflectors} and own <> peer then own else 0 end as own_port,
    case when protocol in (1, 58) then case when icmp_type_code < 0 then 65535 else icmp_type_code end
      when protocol = 17 and own in {reflectors} and own <> peer then 0 else peer end as peer_port,
    case when icmp_type_code < 0 then 255 else icmp_type_code // 256 end as icmp_type
  from seen_by
)""".format(
    columns="arrival, received_ms, first_ms, last_ms, lateness_ms, boundary, protocol, icmp_type_code, tcp_flags, "
    "forwarding_status, fragment, sampling_interval, n, "
    "cast(packets as double) as packets, cast(octets as double) as octets",
    reflectors=REFLECTOR_PORTS,
)
"""Each flow once for the line that sent it and once for the line that received it, within its believable times.

A reflecting service has one row a client, whatever port the client used."""


def _shares(length_ms: int) -> str:
    """Each side of a flow once a window that is open: not (its end + lateness < the clock)."""
    return f"""
reach as (
  select
    *,
    greatest(
      first_ms // {length_ms},
      (received_ms - lateness_ms + {length_ms - 1}) // {length_ms} - 1
    ) as first_number,
    case when last_ms > first_ms then (last_ms - 1) // {length_ms} else last_ms // {length_ms} end as last_number
  from side
),
shares as (
  select
    *,
    (first_number + i) * {length_ms} as begins_ms,
    case
      when last_ms = first_ms then 1e0
      else (
        least(last_ms, (first_number + i + 1) * {length_ms}) - greatest(first_ms, (first_number + i) * {length_ms})
      ) / cast(last_ms - first_ms as double)
    end as share
  from reach join step on i <= last_number - first_number
)"""


def _sum(feature: Feature) -> str:
    value = f"case when {feature.when} then {feature.value} else 0e0 end" if feature.when else feature.value
    return f"cast(sum({value}) as double) as {feature.name}"


def _join(expressions: list[str]) -> str:
    return ",\n    ".join(expressions)


LINE_WINDOW_SQL = f"""
with {_SIDES},
{_shares(WINDOW_MS)}
select
  line, boundary, side, begins_ms as window_start_ms,
    {_join([_sum(feature) for feature in FEATURES])}
from shares
group by line, boundary, side, begins_ms
"""
"""Every row of line_window at every boundary; the detectors see the primary one of each line and side."""

_SYN_ALONE = "protocol = 6 and (tcp_flags & 23) = 2"
_RESET = "protocol = 6 and (tcp_flags & 15) = 4"
_TARGET_SUMS = {
    "records": "share",
    "sampled_packets": "packets * share",
    "packets": "packets * n * share",
    "octets": "octets * n * share",
    "syn_packets": f"case when {_SYN_ALONE} then packets * n * share else 0e0 end",
    "syn_sampled_packets": f"case when {_SYN_ALONE} then packets * share else 0e0 end",
    "connections": f"""case when {_SYN_ALONE} then packets
      when protocol = 6 and (tcp_flags & 2) = 2 and (tcp_flags & 31) <> 18 then least(packets, 1e0)
      else 0e0 end * n * share""",
    "reset_packets": f"case when {_RESET} then packets * n * share else 0e0 end",
    "fragment_packets": "case when fragment = 1 then packets * n * share else 0e0 end",
}
"""Sums of line_target."""

_PAIR = "line, boundary, begins_ms, peer_hi, peer_lo, peer_port, own_port, protocol"
_ANSWERED_SUMS = ("answered_packets", "answered_syn_ack_packets", "answered_reset_packets", "answered_octets")
_SUMS_AGAIN = _join([f"cast(sum({name}) as double) as {name}" for name in _TARGET_SUMS])

LINE_TARGET_SQL = f"""
with {_SIDES},
{_shares(BLOCK_MS)},
pair as (
  select
    {_PAIR},
    min(arrival) as first_arrival, min(received_ms) as first_received_ms,
    min(greatest(first_ms, begins_ms)) as first_ms, max(least(last_ms, begins_ms + {BLOCK_MS})) as last_ms,
    {_join([f"cast(sum({value}) as double) as {name}" for name, value in _TARGET_SUMS.items()])}
  from shares where side = 0
  group by {_PAIR}
),
numbered as (
  select *, row_number() over (partition by line, boundary, begins_ms order by first_arrival) as place from pair
),
kept as (
  select * from numbered where place <= {PAIRS_CAP}
),
rest as (
  select
    line, boundary, begins_ms, min(first_ms) as first_ms, max(last_ms) as last_ms,
    {_SUMS_AGAIN}
  from numbered where place > {PAIRS_CAP}
  group by line, boundary, begins_ms
),
candidate as (
  select
    a.arrival, a.boundary as seen_at, a.packets * a.n * a.share as packets, a.octets * a.n * a.share as octets,
    case when a.protocol = 6 and (a.tcp_flags & 18) = 18 then 1e0 else 0e0 end as syn_ack,
    case when a.protocol = 6 and (a.tcp_flags & 15) = 4 then 1e0 else 0e0 end as reset,
    k.line, k.boundary, k.begins_ms, k.peer_hi, k.peer_lo, k.peer_port, k.own_port, k.protocol,
    max(case when k.boundary = a.boundary then 1 else 0 end) over (partition by a.arrival, a.begins_ms) as has_own
  from shares a join kept k
    on a.line = k.line and a.begins_ms = k.begins_ms and a.peer_hi = k.peer_hi and a.peer_lo = k.peer_lo
    and a.peer_port = k.peer_port and a.own_port = k.own_port and a.protocol = k.protocol
    and k.first_received_ms <= a.received_ms + {ANSWER_WAIT_MS}
  where a.side = 1
),
answered as (
  select
    {_PAIR}, cast(sum(packets) as double) as answered_packets,
    cast(sum(packets * syn_ack) as double) as answered_syn_ack_packets,
    cast(sum(packets * reset) as double) as answered_reset_packets,
    cast(sum(octets) as double) as answered_octets
  from candidate where boundary = seen_at or has_own = 0
  group by {_PAIR}
)
select
  k.line, k.boundary, k.begins_ms as block_start_ms, k.peer_hi as target_hi, k.peer_lo as target_lo,
  k.peer_port as port, k.own_port, k.protocol, {", ".join(f"k.{name}" for name in _TARGET_SUMS)},
  {", ".join(f"coalesce(a.{name}, 0e0) as {name}" for name in _ANSWERED_SUMS)},
  k.first_ms, k.last_ms
from kept k left join answered a
  on k.line = a.line and k.boundary = a.boundary and k.begins_ms = a.begins_ms and k.peer_hi = a.peer_hi
  and k.peer_lo = a.peer_lo and k.peer_port = a.peer_port and k.own_port = a.own_port and k.protocol = a.protocol
union all
select
  line, boundary, begins_ms, 0, 0, {REST_PORT}, 0, -1, {", ".join(_TARGET_SUMS)},
  {", ".join("0e0" for _ in _ANSWERED_SUMS)}, first_ms, last_ms
from rest
"""
"""Every row of line_target at every boundary. An answer counts at its own boundary or, where no such pair was known
there, at every other; a pair beyond the cap has none."""
