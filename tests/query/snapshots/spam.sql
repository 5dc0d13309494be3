-- screen
select (mail_packets > 0) as spam from line_window;

-- suspects
select line from line_target where protocol = 6 and port = 25
group by line having count(*) >= least(50, 20 * 0.6);

-- candidates
with mailed as (
  select line, block_start_ms, target_hi, target_lo, packets, sampled_packets, answered_packets
  from line_target where protocol = 6 and port = 25
), block as (
  select line, block_start_ms, count(*) as seen, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(packets as double)) as packets, sum(cast(answered_packets as double)) as answered_packets
  from mailed group by line, block_start_ms
), address as (
  select b.line, b.block_start_ms, m.target_hi, m.target_lo, sum(cast(m.packets as double)) as packets,
    sum(cast(m.sampled_packets as double)) as sampled_packets
  from block b join mailed m on m.line = b.line
    and m.block_start_ms between b.block_start_ms - 3000000 and b.block_start_ms
  group by b.line, b.block_start_ms, m.target_hi, m.target_lo
), hour as (
  select line, block_start_ms, count(*) as seen, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(packets as double)) as packets
  from address group by line, block_start_ms
), judged as (
  select b.*, case when case when b.packets >= 1.5 * b.sampled_packets and b.sampled_packets >= p.sampled
      and b.seen >= p.distinct * b.sampled_packets
    then greatest(b.seen,
      b.sampled_packets / (((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * (2 + ((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * (4e0 / 3 + ((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * 10e0 / 9))))
    else b.seen end >= p.targets_10min then 1 else 0 end as in_block,
    case when case when h.packets >= 1.5 * h.sampled_packets and h.sampled_packets >= p.sampled
      and h.seen >= p.distinct * h.sampled_packets
    then greatest(h.seen,
      h.sampled_packets / (((greatest(h.sampled_packets - h.seen, 0) + p.deviations * sqrt(greatest(h.sampled_packets - h.seen, 0) + 1) + 1) / h.sampled_packets) * (2 + ((greatest(h.sampled_packets - h.seen, 0) + p.deviations * sqrt(greatest(h.sampled_packets - h.seen, 0) + 1) + 1) / h.sampled_packets) * (4e0 / 3 + ((greatest(h.sampled_packets - h.seen, 0) + p.deviations * sqrt(greatest(h.sampled_packets - h.seen, 0) + 1) + 1) / h.sampled_packets) * 10e0 / 9))))
    else h.seen end >= p.targets_60min then 1 else 0 end as in_hour, case when b.packets >= 1.5 * b.sampled_packets and b.sampled_packets >= p.sampled
      and b.seen >= p.distinct * b.sampled_packets
    then greatest(b.seen,
      b.sampled_packets / (((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * (2 + ((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * (4e0 / 3 + ((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * 10e0 / 9))))
    else b.seen end as likely_targets
  from block b
    join hour h on h.line = b.line and h.block_start_ms = b.block_start_ms
    join params p on p.line = b.line
), flagged as (
  select *, max(in_hour) over (partition by line
    order by block_start_ms range between current row and 3000000 following) as within_hour
  from judged
), sent as (
  select * from flagged where in_block = 1 or within_hour = 1
)
select s.line, w.window_start_ms, 1 as opens, w.mail_packets as packets,
  w.tcp_octets / w.tcp_packets * w.mail_packets as octets,
  w.sampled_packets * w.mail_packets / w.packets as sampled_packets,
  w.packets_var * w.mail_packets / w.packets as packets_var,
  w.packets_var * w.mail_packets / w.packets * (w.tcp_octets / w.tcp_packets) * (w.tcp_octets / w.tcp_packets)
    as octets_var,
  s.seen as targets, s.likely_targets, s.answered_packets / s.packets as answered_share, p.two_way,
  s.sampled_packets as block_sampled_packets,
  p.targets_10min as opens_targets_10min, p.targets_60min as opens_targets_60min
from line_window w
  join sent s on s.line = w.line and s.block_start_ms = w.window_start_ms // 600000 * 600000
  join params p on p.line = w.line
where w.side = 0 and w.mail_packets > 0;

-- targets
with mailed as (
  select line, block_start_ms, target_hi, target_lo, packets, sampled_packets, answered_packets
  from line_target where protocol = 6 and port = 25
), block as (
  select line, block_start_ms, count(*) as seen, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(packets as double)) as packets, sum(cast(answered_packets as double)) as answered_packets
  from mailed group by line, block_start_ms
), address as (
  select b.line, b.block_start_ms, m.target_hi, m.target_lo, sum(cast(m.packets as double)) as packets,
    sum(cast(m.sampled_packets as double)) as sampled_packets
  from block b join mailed m on m.line = b.line
    and m.block_start_ms between b.block_start_ms - 3000000 and b.block_start_ms
  group by b.line, b.block_start_ms, m.target_hi, m.target_lo
), hour as (
  select line, block_start_ms, count(*) as seen, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(packets as double)) as packets
  from address group by line, block_start_ms
), judged as (
  select b.*, case when case when b.packets >= 1.5 * b.sampled_packets and b.sampled_packets >= p.sampled
      and b.seen >= p.distinct * b.sampled_packets
    then greatest(b.seen,
      b.sampled_packets / (((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * (2 + ((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * (4e0 / 3 + ((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * 10e0 / 9))))
    else b.seen end >= p.targets_10min then 1 else 0 end as in_block,
    case when case when h.packets >= 1.5 * h.sampled_packets and h.sampled_packets >= p.sampled
      and h.seen >= p.distinct * h.sampled_packets
    then greatest(h.seen,
      h.sampled_packets / (((greatest(h.sampled_packets - h.seen, 0) + p.deviations * sqrt(greatest(h.sampled_packets - h.seen, 0) + 1) + 1) / h.sampled_packets) * (2 + ((greatest(h.sampled_packets - h.seen, 0) + p.deviations * sqrt(greatest(h.sampled_packets - h.seen, 0) + 1) + 1) / h.sampled_packets) * (4e0 / 3 + ((greatest(h.sampled_packets - h.seen, 0) + p.deviations * sqrt(greatest(h.sampled_packets - h.seen, 0) + 1) + 1) / h.sampled_packets) * 10e0 / 9))))
    else h.seen end >= p.targets_60min then 1 else 0 end as in_hour, case when b.packets >= 1.5 * b.sampled_packets and b.sampled_packets >= p.sampled
      and b.seen >= p.distinct * b.sampled_packets
    then greatest(b.seen,
      b.sampled_packets / (((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * (2 + ((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * (4e0 / 3 + ((greatest(b.sampled_packets - b.seen, 0) + p.deviations * sqrt(greatest(b.sampled_packets - b.seen, 0) + 1) + 1) / b.sampled_packets) * 10e0 / 9))))
    else b.seen end as likely_targets
  from block b
    join hour h on h.line = b.line and h.block_start_ms = b.block_start_ms
    join params p on p.line = b.line
), flagged as (
  select *, max(in_hour) over (partition by line
    order by block_start_ms range between current row and 3000000 following) as within_hour
  from judged
), sent as (
  select * from flagged where in_block = 1 or within_hour = 1
)
select line, block_start_ms, case when network between 281470681743360 and 281474976710655 then 0 else network end as network_hi,
  case when network between 281470681743360 and 281474976710655 then network else 0 end as network_lo, case when network between 281470681743360 and 281474976710655 then 120 else 48 end as network_bits, 25 as port, 6 as protocol, packets, targets
from (
  select m.line, m.block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, sum(cast(m.packets as double)) as packets,
    max(s.seen) as targets
  from mailed m join sent s on s.line = m.line and s.block_start_ms = m.block_start_ms
  group by m.line, m.block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end
) n;

