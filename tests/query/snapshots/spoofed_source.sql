-- screen
select (packets >= 10 * 0.3 * 1000) as spoofed_source from line_window;

-- suspects
select line from line_target group by line, block_start_ms
having sum(cast(sampled_packets as double)) >= 20;

-- candidates
with network as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, sum(cast(sampled_packets as double)) as sampled_packets
  from line_target group by line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end
), block as (
  select line, block_start_ms, count(*) as targets, sum(cast(sampled_packets as double)) as block_sampled_packets
  from network group by line, block_start_ms
), rated as (
  select w.*, b.targets, b.block_sampled_packets, p.two_way, p.sustain, p.pps_10s as opens_pps_10s,
    w.packets / (10 * p.pps_10s) as rate
  from line_window w
    join block b on b.line = w.line and b.block_start_ms = w.window_start_ms // 600000 * 600000
    join params p on p.line = w.line
  where w.side = 0 and w.packets > 0 and b.block_sampled_packets >= p.sampled
)
select line, window_start_ms, case when rate >= 1 then 1 else 0 end as opens, packets, octets, sampled_packets,
  packets_var, octets_var, targets, two_way, block_sampled_packets, octets / packets as mean_octets, opens_pps_10s
from rated where rate >= sustain;

-- targets
with network as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, case when max(port) > min(port) then 0 else max(port) end as port,
    max(protocol) as protocol, sum(cast(packets as double)) as packets
  from line_target where protocol >= 0 group by line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end
)
select line, block_start_ms, case when network between 281470681743360 and 281474976710655 then 0 else network end as network_hi,
  case when network between 281470681743360 and 281474976710655 then network else 0 end as network_lo, case when network between 281470681743360 and 281474976710655 then 120 else 48 end as network_bits, port, protocol, packets,
  count(*) over (partition by line, block_start_ms) as targets
from network;

