-- suspects
with pair as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, protocol, packets, sampled_packets, answered_packets,
    case when (protocol = 17 and answered_packets * 100 <= packets)
    or (protocol = 6 and packets * 0.8 <= syn_packets and answered_syn_ack_packets * 10 <= syn_packets) then packets else 0 end as counted
  from line_target where line > 0 and own_port = 0 and ((protocol = 17 and port <> 53) or (protocol = 6 and packets * 0.8 <= syn_packets))
), part as (
  select line, block_start_ms, network, protocol, sum(cast(packets as double)) as packets,
    sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(answered_packets as double)) as answered_packets, sum(cast(counted as double)) as counted
  from pair group by line, block_start_ms, network, protocol
), joint as (
  select block_start_ms, network, protocol from part group by block_start_ms, network, protocol
  having count(case when counted > 0 then 1 end) >= 8
    and sum(cast(counted as double)) * 1000 >= 120000000 and (protocol = 6
    or sum(cast(answered_packets as double)) + 2 * sqrt(sum(cast(answered_packets as double)) * sum(cast(packets as double)) / nullif(sum(cast(sampled_packets as double)), 0)) <= 0.02 * sum(cast(packets as double)))
)
select distinct s.line from part s join joint j
  on j.block_start_ms = s.block_start_ms and j.network = s.network and j.protocol = s.protocol;

-- shares
with spoken as (
  select t.line, t.block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, t.port, t.protocol, t.packets, t.octets, t.sampled_packets,
    t.answered_packets, t.answered_syn_ack_packets, t.syn_packets, t.first_ms, t.last_ms
  from line_target t join params p on p.line = t.line
  where own_port = 0 and ((protocol = 17 and port <> 53) or (protocol = 6 and packets * 0.8 <= syn_packets)) and (t.protocol = 6 or p.two_way = 1)
), unanswered as (
  select block_start_ms, network, protocol from spoken group by block_start_ms, network, protocol having (protocol = 6
    or sum(cast(answered_packets as double)) + 2 * sqrt(sum(cast(answered_packets as double)) * sum(cast(packets as double)) / nullif(sum(cast(sampled_packets as double)), 0)) <= 0.02 * sum(cast(packets as double)))
), part as (
  select s.line, s.block_start_ms, s.network, s.protocol,
    case when max(s.port) > min(s.port) then 0 else max(s.port) end as port,
    sum(cast(s.packets as double)) as packets, sum(cast(s.octets as double)) as octets,
    sum(cast(s.sampled_packets as double)) as sampled_packets, min(s.first_ms) as first_ms, max(s.last_ms) as last_ms
  from (select * from spoken where (protocol = 17 and answered_packets * 100 <= packets)
    or (protocol = 6 and packets * 0.8 <= syn_packets and answered_syn_ack_packets * 10 <= syn_packets)) s
    join unanswered u
      on u.block_start_ms = s.block_start_ms and u.network = s.network and u.protocol = s.protocol
  group by s.line, s.block_start_ms, s.network, s.protocol
), joint as (
  select block_start_ms, network, protocol, count(*) as lines, sum(cast(packets as double)) as packets,
    sum(cast(sampled_packets as double)) as sampled_packets, min(first_ms) as first_ms, max(last_ms) as last_ms
  from part group by block_start_ms, network, protocol
), found as (
  select s.*, j.lines
  from part s join joint j
    on j.block_start_ms = s.block_start_ms and j.network = s.network and j.protocol = s.protocol
  where j.lines >= 8 and j.sampled_packets >= 3 * j.lines
    and j.packets * 1000 >= 2000 * greatest(j.last_ms - j.first_ms, 60000) and j.packets * 1000 >= case when j.protocol = 17 then 100 else 30 end * j.lines * greatest(j.last_ms - j.first_ms, 60000)
    and s.sampled_packets >= 3
)
select line, block_start_ms, case when network between 281470681743360 and 281474976710655 then 0 else network end as network_hi,
  case when network between 281470681743360 and 281474976710655 then network else 0 end as network_lo, case when network between 281470681743360 and 281474976710655 then 120 else 48 end as network_bits, protocol, port, packets, octets, sampled_packets, first_ms, last_ms, lines
from found order by line, block_start_ms, network, protocol;

