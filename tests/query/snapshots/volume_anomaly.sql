-- screen
select (octets * 360 >= 2000000000.0) as volume_anomaly from line_window;

-- suspects
select line from line_target
group by line having sum(cast(octets as double)) >= 2000000000.0;

-- candidates
with hour as (
  select line, block_start_ms // 3600000 * 3600000 as hour_start_ms, sum(cast(octets as double)) as hour_octets,
    sum(cast(sampled_packets as double)) as hour_sampled_packets
  from line_target group by line, block_start_ms // 3600000 * 3600000
), anomalous as (
  select h.*, b.usual_octets, b.weeks, p.two_way, p.octets_60min as opens_octets_60min,
    pow(2, p.spreads * greatest(b.spread, p.least_spread)) as opens_times_usual
  from hour h
    join baseline b on b.line = h.line and b.hour_start_ms = h.hour_start_ms
    join params p on p.line = h.line
  where b.weeks >= p.weeks and h.hour_octets >= p.octets_60min and h.hour_sampled_packets >= p.sampled
    and h.hour_octets >= b.usual_octets * pow(2, p.spreads * greatest(b.spread, p.least_spread))
)
select w.line, w.window_start_ms, 1 as opens, w.packets, w.octets, w.sampled_packets, w.packets_var, w.octets_var,
  a.hour_octets, a.usual_octets, a.weeks, a.two_way, a.opens_octets_60min, a.opens_times_usual
from line_window w
  join anomalous a on a.line = w.line and a.hour_start_ms = w.window_start_ms // 3600000 * 3600000
where w.side = 0 and w.packets > 0 and w.octets * 360 >= a.usual_octets;

-- targets
with hour as (
  select line, block_start_ms // 3600000 * 3600000 as hour_start_ms, sum(cast(octets as double)) as hour_octets,
    sum(cast(sampled_packets as double)) as hour_sampled_packets
  from line_target group by line, block_start_ms // 3600000 * 3600000
), anomalous as (
  select h.*, b.usual_octets, b.weeks, p.two_way, p.octets_60min as opens_octets_60min,
    pow(2, p.spreads * greatest(b.spread, p.least_spread)) as opens_times_usual
  from hour h
    join baseline b on b.line = h.line and b.hour_start_ms = h.hour_start_ms
    join params p on p.line = h.line
  where b.weeks >= p.weeks and h.hour_octets >= p.octets_60min and h.hour_sampled_packets >= p.sampled
    and h.hour_octets >= b.usual_octets * pow(2, p.spreads * greatest(b.spread, p.least_spread))
), street as (
  select t.line, t.block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, t.port, t.protocol, t.packets, t.target_lo
  from line_target t
    join anomalous a on a.line = t.line and a.hour_start_ms = t.block_start_ms // 3600000 * 3600000
  where t.protocol >= 0
)
select line, block_start_ms, case when network between 281470681743360 and 281474976710655 then 0 else network end as network_hi,
  case when network between 281470681743360 and 281474976710655 then network else 0 end as network_lo, case when network between 281470681743360 and 281474976710655 then 120 else 48 end as network_bits, port, protocol, sum(cast(packets as double)) as packets,
  count(distinct target_lo) as targets
from street group by line, block_start_ms, network, port, protocol;

