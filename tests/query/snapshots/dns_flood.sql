-- screen
select (dns_packets >= 5 * 150) as dns_flood from line_window;

-- suspects
select line from line_target where protocol = 17 and port = 53
group by line, block_start_ms
having sum(cast(sampled_packets as double)) >= 20
  and sum(cast(packets as double)) >= 10 * 250;

-- candidates
with asked as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, count(*) as targets, sum(cast(packets as double)) as packets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    min(first_ms) as first_ms, max(last_ms) as last_ms
  from line_target where protocol = 17 and port = 53 group by line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end
), shape as (
  select line, block_start_ms, sum(cast(targets as double)) as targets, sum(cast(packets as double)) as packets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    greatest(max(last_ms) - min(first_ms), 10000) as lasted_ms
  from asked group by line, block_start_ms
), counted as (
  select line, window_start_ms // 600000 * 600000 as block_start_ms,
    sum(cast(case when side = 0 then dns_packets else 0 end as double)) as sent,
    sum(cast(case when side = 1 then dns_packets else 0 end as double)) as received
  from line_window group by line, window_start_ms // 600000 * 600000
), told as (
  select s.*, p.two_way, coalesce(c.received / nullif(c.sent, 0), 0) as answered_share,
    case when s.records >= p.scattered * s.sampled_packets
      or s.records * 10000.0 >= p.scattered_pace * s.lasted_ms then 1 else 0 end as scattered
  from shape s
    join counted c on c.line = s.line and c.block_start_ms = s.block_start_ms
    join params p on p.line = s.line
  where s.sampled_packets >= p.sampled
), flooded as (
  select t.line, t.block_start_ms, t.targets, t.sampled_packets, t.lasted_ms, t.two_way, t.answered_share, t.scattered,
    case when t.two_way = 0 or t.answered_share > 1 - p.unanswered
        or (1 - t.answered_share) * (1 - t.answered_share) * t.sampled_packets
          < p.deviations * p.deviations * (1 + t.answered_share) then 0
      when t.scattered = 1 or (t.answered_share <= p.silent and t.sampled_packets >= p.silent_sampled)
        then 1 - t.answered_share
      else 0 end as unanswered_share
  from told t join params p on p.line = t.line
), flood as (
  select f.line, w.window_start_ms, f.targets, f.two_way, f.scattered, p.sustain,
    f.answered_share, f.sampled_packets as block_sampled_packets,
    w.dns_packets as packets, w.dns_octets as octets,
    w.sampled_packets * w.dns_packets / w.packets as sampled_packets,
    w.packets_var * w.dns_packets / w.packets as packets_var,
    10 / nullif(greatest(f.scattered / p.pps_10s, f.unanswered_share / p.unanswered_pps_10s), 0) as enough_10s,
    60 / nullif(greatest(f.scattered / p.pps_60s, f.unanswered_share / p.unanswered_pps_60s), 0) as enough_60s,
    f.lasted_ms, f.scattered * p.pps_10s as opens_pps_10s, f.scattered * p.pps_60s as opens_pps_60s,
    case when f.unanswered_share > 0 then p.unanswered_pps_10s else 0 end as opens_unanswered_pps_10s,
    case when f.unanswered_share > 0 then p.unanswered_pps_60s else 0 end as opens_unanswered_pps_60s
  from line_window w
    join flooded f on f.line = w.line and f.block_start_ms = w.window_start_ms // 600000 * 600000
    join params p on p.line = w.line
  where w.side = 0 and w.dns_packets > 0 and (f.scattered = 1 or f.unanswered_share > 0)
), rated as (
  select *,
    greatest(counted / enough_10s, minute / enough_60s,
      case when block_var > 0 then block / enough_block else 0 end) as rate,
    greatest((counted - 2 * sqrt(counted_var)) / enough_10s,
      (minute - 2 * sqrt(minute_var)) / enough_60s,
      case when block_var > 0 then (block - 2 * sqrt(block_var)) / enough_block else 0 end) as sure_rate
  from (
    select *, packets as counted, packets_var as counted_var,
      sum(cast(packets as double)) over (partition by line, window_start_ms // 60000) as minute, sum(cast(packets_var as double)) over (partition by line, window_start_ms // 60000) as minute_var,
      sum(cast(packets as double)) over (partition by line, window_start_ms // 600000) as block, sum(cast(packets_var as double)) over (partition by line, window_start_ms // 600000) as block_var,
      enough_60s * greatest(lasted_ms, 60000) / 60000 as enough_block
    from flood
  ) w
)
select line, window_start_ms, case when sure_rate >= 1 then 1 else 0 end as opens,
  packets, octets, sampled_packets, packets_var, packets_var * (octets / packets) * (octets / packets) as octets_var,
  targets, answered_share, octets / packets as mean_octets, two_way, block_sampled_packets,
  opens_pps_10s, opens_pps_60s, opens_unanswered_pps_10s, opens_unanswered_pps_60s
from rated where rate >= sustain;

-- targets
with asked as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, count(*) as targets, sum(cast(packets as double)) as packets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    min(first_ms) as first_ms, max(last_ms) as last_ms
  from line_target where protocol = 17 and port = 53 group by line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end
), shape as (
  select line, block_start_ms, sum(cast(targets as double)) as targets, sum(cast(packets as double)) as packets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    greatest(max(last_ms) - min(first_ms), 10000) as lasted_ms
  from asked group by line, block_start_ms
), counted as (
  select line, window_start_ms // 600000 * 600000 as block_start_ms,
    sum(cast(case when side = 0 then dns_packets else 0 end as double)) as sent,
    sum(cast(case when side = 1 then dns_packets else 0 end as double)) as received
  from line_window group by line, window_start_ms // 600000 * 600000
), told as (
  select s.*, p.two_way, coalesce(c.received / nullif(c.sent, 0), 0) as answered_share,
    case when s.records >= p.scattered * s.sampled_packets
      or s.records * 10000.0 >= p.scattered_pace * s.lasted_ms then 1 else 0 end as scattered
  from shape s
    join counted c on c.line = s.line and c.block_start_ms = s.block_start_ms
    join params p on p.line = s.line
  where s.sampled_packets >= p.sampled
), flooded as (
  select t.line, t.block_start_ms, t.targets, t.sampled_packets, t.lasted_ms, t.two_way, t.answered_share, t.scattered,
    case when t.two_way = 0 or t.answered_share > 1 - p.unanswered
        or (1 - t.answered_share) * (1 - t.answered_share) * t.sampled_packets
          < p.deviations * p.deviations * (1 + t.answered_share) then 0
      when t.scattered = 1 or (t.answered_share <= p.silent and t.sampled_packets >= p.silent_sampled)
        then 1 - t.answered_share
      else 0 end as unanswered_share
  from told t join params p on p.line = t.line
)
select a.line, a.block_start_ms, case when network between 281470681743360 and 281474976710655 then 0 else network end as network_hi,
  case when network between 281470681743360 and 281474976710655 then network else 0 end as network_lo, case when network between 281470681743360 and 281474976710655 then 120 else 48 end as network_bits, 53 as port, 17 as protocol, a.packets, a.targets
from asked a join flooded f on f.line = a.line and f.block_start_ms = a.block_start_ms
where f.scattered = 1 or f.unanswered_share > 0;

