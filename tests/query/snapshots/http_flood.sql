-- screen
select (tcp_packets >= 30 * 50) as http_flood from line_window;

-- suspects
select line from line_target where protocol = 6 and port not in (25, 21, 22, 23, 110, 143, 445, 465, 587, 993, 995, 1433, 2222, 2323, 3306, 3389, 5432, 5900)
group by line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end
having sum(cast(connections as double)) >= 100
  and sum(cast(connections as double)) * 40 >= sum(cast(packets as double))
  and sum(cast(packets as double)) >= 30 * 100
  and sum(cast(sampled_packets as double)) >= 20;

-- candidates
with door as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, case when port in (25, 21, 22, 23, 110, 143, 445, 465, 587, 993, 995, 1433, 2222, 2323, 3306, 3389, 5432, 5900) then port else 0 end as door, arg_max(port, packets * 65536 + port) as port,
    greatest(count(distinct target_lo), count(distinct target_hi)) as targets,
    sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(connections as double)) as connections,
    sum(cast(answered_packets as double)) as answered_packets,
    sum(cast(answered_reset_packets as double)) as refused_packets, min(first_ms) as first_ms, max(last_ms) as last_ms
  from line_target where protocol = 6 group by line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end, case when port in (25, 21, 22, 23, 110, 143, 445, 465, 587, 993, 995, 1433, 2222, 2323, 3306, 3389, 5432, 5900) then port else 0 end
), estimated as (
  select d.*, d.connections * d.sampled_packets / d.packets as connections_seen,
    case when d.packets < 1.5 * d.sampled_packets then d.connections
      else greatest(
        d.connections - 2 * sqrt(d.connections * d.packets / d.sampled_packets),
        case when d.records >= p.separate * d.sampled_packets then d.packets / p.packets_most else 0 end)
      end as likely_connections
  from door d join params p on p.line = d.line
  where d.packets > 0
), marked as (
  select e.*, p.two_way, case when e.door = 0 and e.sampled_packets >= p.sampled
      and e.connections_seen >= p.connections_seen and e.packets <= p.packets_most * e.connections
      and e.syn_packets <= p.syn_share * e.packets and e.octets <= p.octets_most * e.likely_connections
      and (p.two_way = 0 or (e.answered_packets >= p.answered * e.packets
        and e.refused_packets <= p.refused * e.answered_packets))
      and e.likely_connections >= 10 * p.connections_10s
      and e.likely_connections * 1000.0 >= p.sustain * p.connections_60s * (e.last_ms - e.first_ms) then 1
    else 0 end as flooded
  from estimated e join params p on p.line = e.line
), evidence as (
  select line, block_start_ms, sum(cast(targets as double)) as targets, sum(cast(packets as double)) as packets,
    sum(cast(octets as double)) as octets, sum(cast(sampled_packets as double)) as block_sampled_packets,
    sum(cast(likely_connections as double)) as connections, sum(cast(answered_packets as double)) as answered_packets,
    arg_max(port, packets * 65536 + port) as main_port,
    greatest(max(last_ms) - min(first_ms), 10000) as lasted_ms
  from marked where flooded = 1 group by line, block_start_ms
), paired as (
  select line, block_start_ms, sum(cast(packets as double)) as packets from marked group by line, block_start_ms
), counted as (
  select line, window_start_ms // 600000 * 600000 as block_start_ms, sum(cast(tcp_packets as double)) as packets
  from line_window where side = 0 group by line, window_start_ms // 600000 * 600000
), spread as (
  select w.line, w.window_start_ms, m.flooded,
    m.packets * (least(m.last_ms + 1, w.window_start_ms + 10000) - greatest(m.first_ms, w.window_start_ms))
      / (m.last_ms + 1 - m.first_ms) as packets
  from line_window w join marked m on m.line = w.line
    and m.first_ms < w.window_start_ms + 10000 and m.last_ms >= w.window_start_ms
    and m.block_start_ms = w.window_start_ms // 600000 * 600000
  where w.side = 0
), share as (
  select line, window_start_ms, sum(cast(case when flooded = 1 then packets else 0 end as double))
    / sum(cast(packets as double)) as share
  from spread group by line, window_start_ms
), flood as (
  select w.line, w.window_start_ms, e.targets, e.main_port, e.block_sampled_packets, p.two_way, p.sustain,
    p.connections_10s as opens_connections_10s, p.connections_60s as opens_connections_60s,
    p.packets_most as opens_packets_most,
    10 * p.connections_10s * e.packets / e.connections as enough_10s,
    60 * p.connections_60s * e.packets / e.connections as enough_60s, e.lasted_ms,
    e.answered_packets / e.packets as answered_share, e.packets / e.connections as packets_a_connection,
    e.octets / e.packets as mean_octets, w.sampled_packets / w.packets as sampled_share,
    w.packets_var / w.packets as var_share,
    w.tcp_packets * s.share * least(a.packets / greatest(c.packets, 1e-9), 1) as packets
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
    join share s on s.line = w.line and s.window_start_ms = w.window_start_ms
    join paired a on a.line = e.line and a.block_start_ms = e.block_start_ms
    join counted c on c.line = e.line and c.block_start_ms = e.block_start_ms
    join params p on p.line = w.line
  where w.side = 0 and w.tcp_packets > 0
), metered as (
  select *, packets * var_share as packets_var from flood
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
    from metered
  ) w
)
select line, window_start_ms, case when sure_rate >= 1 then 1 else 0 end as opens,
  packets, packets * mean_octets as octets, packets * sampled_share as sampled_packets,
  packets_var, packets_var * mean_octets * mean_octets as octets_var,
  targets, packets / packets_a_connection as connections, packets_a_connection, main_port, answered_share, two_way,
  block_sampled_packets, opens_connections_10s, opens_connections_60s, opens_packets_most
from rated where rate >= sustain;

-- targets
with door as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, case when port in (25, 21, 22, 23, 110, 143, 445, 465, 587, 993, 995, 1433, 2222, 2323, 3306, 3389, 5432, 5900) then port else 0 end as door, arg_max(port, packets * 65536 + port) as port,
    greatest(count(distinct target_lo), count(distinct target_hi)) as targets,
    sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(connections as double)) as connections,
    sum(cast(answered_packets as double)) as answered_packets,
    sum(cast(answered_reset_packets as double)) as refused_packets, min(first_ms) as first_ms, max(last_ms) as last_ms
  from line_target where protocol = 6 group by line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end, case when port in (25, 21, 22, 23, 110, 143, 445, 465, 587, 993, 995, 1433, 2222, 2323, 3306, 3389, 5432, 5900) then port else 0 end
), estimated as (
  select d.*, d.connections * d.sampled_packets / d.packets as connections_seen,
    case when d.packets < 1.5 * d.sampled_packets then d.connections
      else greatest(
        d.connections - 2 * sqrt(d.connections * d.packets / d.sampled_packets),
        case when d.records >= p.separate * d.sampled_packets then d.packets / p.packets_most else 0 end)
      end as likely_connections
  from door d join params p on p.line = d.line
  where d.packets > 0
), marked as (
  select e.*, p.two_way, case when e.door = 0 and e.sampled_packets >= p.sampled
      and e.connections_seen >= p.connections_seen and e.packets <= p.packets_most * e.connections
      and e.syn_packets <= p.syn_share * e.packets and e.octets <= p.octets_most * e.likely_connections
      and (p.two_way = 0 or (e.answered_packets >= p.answered * e.packets
        and e.refused_packets <= p.refused * e.answered_packets))
      and e.likely_connections >= 10 * p.connections_10s
      and e.likely_connections * 1000.0 >= p.sustain * p.connections_60s * (e.last_ms - e.first_ms) then 1
    else 0 end as flooded
  from estimated e join params p on p.line = e.line
)
select line, block_start_ms, case when network between 281470681743360 and 281474976710655 then 0 else network end as network_hi,
  case when network between 281470681743360 and 281474976710655 then network else 0 end as network_lo, case when network between 281470681743360 and 281474976710655 then 120 else 48 end as network_bits, port, 6 as protocol, packets, targets
from marked where flooded = 1;

