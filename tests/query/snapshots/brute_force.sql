-- screen
select (login_packets > 0) as brute_force from line_window;

-- suspects
select line from line_target where protocol = 6 and port in (21, 22, 23, 110, 143, 445, 465, 587, 993, 995, 1433, 2222, 2323, 3306, 3389, 5432, 5900)
group by line, port having sum(cast(sampled_packets as double)) >= 20
  and greatest(sum(cast(connections as double)), case when sum(cast(packets as double)) >= 1.5 *
      sum(cast(sampled_packets as double)) then sum(cast(packets as double)) / 40 else 0 end)
    >= case when port in (23, 2323) then 20
      when port in (22, 445, 2222, 3389, 5900) then 60
      when port in (1433, 3306, 5432) then 600 else 900 end
  and sum(cast(connections as double)) * 40 >= 0.1 * sum(cast(packets as double));

-- candidates
with login as (
  select t.line, t.block_start_ms, t.target_hi, t.target_lo, t.port, t.packets, t.octets, t.records, t.sampled_packets,
    t.connections, t.answered_packets, t.answered_reset_packets as refused_packets, t.syn_packets
  from line_target t where t.protocol = 6 and t.port in (21, 22, 23, 110, 143, 445, 465, 587, 993, 995, 1433, 2222, 2323, 3306, 3389, 5432, 5900) and t.packets > 0
), short as (
  select l.* from login l join params p on p.line = l.line
  where l.octets <= p.octets_most * l.packets
    and (l.sampled_packets < p.packets_most or l.packets <= p.packets_most * l.connections)
    and (l.syn_packets < l.packets or l.packets >= 1.5 * l.sampled_packets)
), ends as (
  select line, block_start_ms, port from short group by line, block_start_ms, port
), address as (
  select e.line, e.block_start_ms, s.port, s.target_lo, sum(cast(s.packets as double)) as packets, sum(cast(s.octets as double)) as octets,
    sum(cast(s.records as double)) as records, sum(cast(s.sampled_packets as double)) as sampled_packets,
    sum(cast(s.connections as double)) as connections, sum(cast(s.answered_packets as double)) as answered_packets,
    sum(cast(s.refused_packets as double)) as refused_packets
  from ends e join short s on s.line = e.line and s.port = e.port
    and s.block_start_ms between e.block_start_ms - 3000000 and e.block_start_ms
  group by e.line, e.block_start_ms, s.port, s.target_lo
), likely_10min as (
  select a.line, a.block_start_ms, a.port, a.target_lo, a.packets, a.sampled_packets, a.records, a.connections,
    a.answered_packets, a.refused_packets,
    case when a.sampled_packets >= p.sampled and a.connections * a.sampled_packets >= p.sure_connections * a.packets
        and a.packets >= p.packets_least * a.connections and a.packets <= p.packets_most * a.connections
        and (p.two_way = 0 or (a.answered_packets >= p.answered * a.packets
      and a.refused_packets <= p.refused * a.answered_packets)) then case when a.packets < 1.5 * a.sampled_packets then a.connections
      else greatest(
        a.connections - 2 * sqrt(a.connections * a.packets / a.sampled_packets),
        case when a.records >= p.separate * a.sampled_packets then a.packets / p.packets_most else 0 end)
      end else 0 end as sure_connections
  from short a join params p on p.line = a.line
), door_10min as (
  select line, block_start_ms, port, count(*) as targets, sum(cast(packets as double)) as packets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(connections as double)) as connections, sum(cast(answered_packets as double)) as answered_packets,
    sum(cast(refused_packets as double)) as refused_packets, max(sure_connections) as sure_connections
  from likely_10min group by line, block_start_ms, port
), average_10min as (
  select d.line, d.block_start_ms, d.port, d.targets, d.sure_connections,
    case when d.packets < 1.5 * d.sampled_packets then d.connections
      else greatest(
        d.connections - 2 * sqrt(d.connections * d.packets / d.sampled_packets),
        case when d.records >= p.separate * d.sampled_packets then d.packets / p.packets_most else 0 end)
      end as likely_connections,
    case when d.sampled_packets >= p.sampled and d.connections * d.sampled_packets >= p.connections_seen * d.packets
        and d.packets >= p.packets_least * d.connections and d.packets <= p.packets_most * d.connections
        and (p.two_way = 0 or (d.answered_packets >= p.answered * d.packets
      and d.refused_packets <= p.refused * d.answered_packets)) then 1 else 0 end as short,
    case when d.sampled_packets >= p.packets_a_target * d.targets then 1 else 0 end as counted
  from door_10min d join params p on p.line = d.line
), likely_60min as (
  select a.line, a.block_start_ms, a.port, a.target_lo, a.packets, a.sampled_packets, a.records, a.connections,
    a.answered_packets, a.refused_packets,
    case when a.sampled_packets >= p.sampled and a.connections * a.sampled_packets >= p.sure_connections * a.packets
        and a.packets >= p.packets_least * a.connections and a.packets <= p.packets_most * a.connections
        and (p.two_way = 0 or (a.answered_packets >= p.answered * a.packets
      and a.refused_packets <= p.refused * a.answered_packets)) then case when a.packets < 1.5 * a.sampled_packets then a.connections
      else greatest(
        a.connections - 2 * sqrt(a.connections * a.packets / a.sampled_packets),
        case when a.records >= p.separate * a.sampled_packets then a.packets / p.packets_most else 0 end)
      end else 0 end as sure_connections
  from address a join params p on p.line = a.line
), door_60min as (
  select line, block_start_ms, port, count(*) as targets, sum(cast(packets as double)) as packets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(connections as double)) as connections, sum(cast(answered_packets as double)) as answered_packets,
    sum(cast(refused_packets as double)) as refused_packets, max(sure_connections) as sure_connections
  from likely_60min group by line, block_start_ms, port
), average_60min as (
  select d.line, d.block_start_ms, d.port, d.targets, d.sure_connections,
    case when d.packets < 1.5 * d.sampled_packets then d.connections
      else greatest(
        d.connections - 2 * sqrt(d.connections * d.packets / d.sampled_packets),
        case when d.records >= p.separate * d.sampled_packets then d.packets / p.packets_most else 0 end)
      end as likely_connections,
    case when d.sampled_packets >= p.sampled and d.connections * d.sampled_packets >= p.connections_seen * d.packets
        and d.packets >= p.packets_least * d.connections and d.packets <= p.packets_most * d.connections
        and (p.two_way = 0 or (d.answered_packets >= p.answered * d.packets
      and d.refused_packets <= p.refused * d.answered_packets)) then 1 else 0 end as short,
    case when d.sampled_packets >= p.packets_a_target * d.targets then 1 else 0 end as counted
  from door_60min d join params p on p.line = d.line
), judged as (
  select b.line, b.block_start_ms, b.port, b.targets, b.likely_connections,
    case when b.port in (23, 2323) then p.telnet_10min
      when b.port in (22, 445, 2222, 3389, 5900) then p.remote_10min
      when b.port in (1433, 3306, 5432) then p.database_10min else p.transfer_10min end as enough_10min,
    case when b.port in (23, 2323) then p.telnet_60min
      when b.port in (22, 445, 2222, 3389, 5900) then p.remote_60min
      when b.port in (1433, 3306, 5432) then p.database_60min else p.transfer_60min end as enough_60min,
    greatest(b.sure_connections, b.short * b.counted * b.likely_connections / b.targets) as an_address,
    case when greatest(b.sure_connections, b.short * b.counted * b.likely_connections / b.targets)
        >= case when b.port in (23, 2323) then p.telnet_10min
      when b.port in (22, 445, 2222, 3389, 5900) then p.remote_10min
      when b.port in (1433, 3306, 5432) then p.database_10min else p.transfer_10min end
      or b.short * b.likely_connections >= p.any_10min then 1 else 0 end as in_block,
    case when greatest(h.sure_connections, h.short * h.counted * h.likely_connections / h.targets)
        >= case when b.port in (23, 2323) then p.telnet_60min
      when b.port in (22, 445, 2222, 3389, 5900) then p.remote_60min
      when b.port in (1433, 3306, 5432) then p.database_60min else p.transfer_60min end then 1 else 0 end as in_hour
  from average_10min b
    join average_60min h on h.line = b.line and h.block_start_ms = b.block_start_ms and h.port = b.port
    join params p on p.line = b.line
), flagged as (
  select *, max(in_hour) over (partition by line, port
    order by block_start_ms range between current row and 3000000 following) as within_hour
  from judged
), forced as (
  select * from flagged where in_block = 1 or within_hour = 1
), whole as (
  select line, block_start_ms, sum(cast(packets as double)) as packets from login group by line, block_start_ms
), part as (
  select f.line, f.block_start_ms, sum(cast(s.packets as double)) as packets, sum(cast(s.octets as double)) as octets,
    sum(cast(s.sampled_packets as double)) as sampled_packets,
    sum(cast(s.answered_packets as double)) as answered_packets
  from forced f join short s on s.line = f.line and s.block_start_ms = f.block_start_ms and s.port = f.port
  group by f.line, f.block_start_ms
), named as (
  select line, block_start_ms, arg_max(port, likely_connections * 65536 + port) as main_port,
    arg_max(enough_10min, likely_connections * 65536 + port) as enough_10min,
    arg_max(enough_60min, likely_connections * 65536 + port) as enough_60min,
    sum(cast(likely_connections as double)) as connections, sum(cast(targets as double)) as targets,
    max(an_address) as connections_an_address
  from forced group by line, block_start_ms
), guess as (
  select w.line, w.window_start_ms, w.login_packets * s.packets / a.packets as packets,
    s.octets / s.packets as mean_octets, w.sampled_packets / w.packets as sampled_share,
    w.packets_var / w.packets as var_share, n.main_port, n.connections, n.targets, n.connections_an_address,
    s.answered_packets / s.packets as answered_share, s.sampled_packets as block_sampled_packets, p.two_way,
    n.enough_10min as opens_connections_10min, n.enough_60min as opens_connections_60min,
    p.any_10min as opens_any_10min, p.packets_most as opens_packets_most
  from line_window w
    join named n on n.line = w.line and n.block_start_ms = w.window_start_ms // 600000 * 600000
    join part s on s.line = n.line and s.block_start_ms = n.block_start_ms
    join whole a on a.line = n.line and a.block_start_ms = n.block_start_ms
    join params p on p.line = w.line
  where w.side = 0 and w.login_packets > 0
)
select line, window_start_ms, 1 as opens, packets, packets * mean_octets as octets,
  packets * sampled_share as sampled_packets, packets * var_share as packets_var,
  packets * var_share * mean_octets * mean_octets as octets_var,
  main_port, connections, targets, connections_an_address, answered_share, two_way, block_sampled_packets,
  opens_connections_10min, opens_connections_60min, opens_any_10min, opens_packets_most
from guess;

-- targets
with login as (
  select t.line, t.block_start_ms, t.target_hi, t.target_lo, t.port, t.packets, t.octets, t.records, t.sampled_packets,
    t.connections, t.answered_packets, t.answered_reset_packets as refused_packets, t.syn_packets
  from line_target t where t.protocol = 6 and t.port in (21, 22, 23, 110, 143, 445, 465, 587, 993, 995, 1433, 2222, 2323, 3306, 3389, 5432, 5900) and t.packets > 0
), short as (
  select l.* from login l join params p on p.line = l.line
  where l.octets <= p.octets_most * l.packets
    and (l.sampled_packets < p.packets_most or l.packets <= p.packets_most * l.connections)
    and (l.syn_packets < l.packets or l.packets >= 1.5 * l.sampled_packets)
), ends as (
  select line, block_start_ms, port from short group by line, block_start_ms, port
), address as (
  select e.line, e.block_start_ms, s.port, s.target_lo, sum(cast(s.packets as double)) as packets, sum(cast(s.octets as double)) as octets,
    sum(cast(s.records as double)) as records, sum(cast(s.sampled_packets as double)) as sampled_packets,
    sum(cast(s.connections as double)) as connections, sum(cast(s.answered_packets as double)) as answered_packets,
    sum(cast(s.refused_packets as double)) as refused_packets
  from ends e join short s on s.line = e.line and s.port = e.port
    and s.block_start_ms between e.block_start_ms - 3000000 and e.block_start_ms
  group by e.line, e.block_start_ms, s.port, s.target_lo
), likely_10min as (
  select a.line, a.block_start_ms, a.port, a.target_lo, a.packets, a.sampled_packets, a.records, a.connections,
    a.answered_packets, a.refused_packets,
    case when a.sampled_packets >= p.sampled and a.connections * a.sampled_packets >= p.sure_connections * a.packets
        and a.packets >= p.packets_least * a.connections and a.packets <= p.packets_most * a.connections
        and (p.two_way = 0 or (a.answered_packets >= p.answered * a.packets
      and a.refused_packets <= p.refused * a.answered_packets)) then case when a.packets < 1.5 * a.sampled_packets then a.connections
      else greatest(
        a.connections - 2 * sqrt(a.connections * a.packets / a.sampled_packets),
        case when a.records >= p.separate * a.sampled_packets then a.packets / p.packets_most else 0 end)
      end else 0 end as sure_connections
  from short a join params p on p.line = a.line
), door_10min as (
  select line, block_start_ms, port, count(*) as targets, sum(cast(packets as double)) as packets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(connections as double)) as connections, sum(cast(answered_packets as double)) as answered_packets,
    sum(cast(refused_packets as double)) as refused_packets, max(sure_connections) as sure_connections
  from likely_10min group by line, block_start_ms, port
), average_10min as (
  select d.line, d.block_start_ms, d.port, d.targets, d.sure_connections,
    case when d.packets < 1.5 * d.sampled_packets then d.connections
      else greatest(
        d.connections - 2 * sqrt(d.connections * d.packets / d.sampled_packets),
        case when d.records >= p.separate * d.sampled_packets then d.packets / p.packets_most else 0 end)
      end as likely_connections,
    case when d.sampled_packets >= p.sampled and d.connections * d.sampled_packets >= p.connections_seen * d.packets
        and d.packets >= p.packets_least * d.connections and d.packets <= p.packets_most * d.connections
        and (p.two_way = 0 or (d.answered_packets >= p.answered * d.packets
      and d.refused_packets <= p.refused * d.answered_packets)) then 1 else 0 end as short,
    case when d.sampled_packets >= p.packets_a_target * d.targets then 1 else 0 end as counted
  from door_10min d join params p on p.line = d.line
), likely_60min as (
  select a.line, a.block_start_ms, a.port, a.target_lo, a.packets, a.sampled_packets, a.records, a.connections,
    a.answered_packets, a.refused_packets,
    case when a.sampled_packets >= p.sampled and a.connections * a.sampled_packets >= p.sure_connections * a.packets
        and a.packets >= p.packets_least * a.connections and a.packets <= p.packets_most * a.connections
        and (p.two_way = 0 or (a.answered_packets >= p.answered * a.packets
      and a.refused_packets <= p.refused * a.answered_packets)) then case when a.packets < 1.5 * a.sampled_packets then a.connections
      else greatest(
        a.connections - 2 * sqrt(a.connections * a.packets / a.sampled_packets),
        case when a.records >= p.separate * a.sampled_packets then a.packets / p.packets_most else 0 end)
      end else 0 end as sure_connections
  from address a join params p on p.line = a.line
), door_60min as (
  select line, block_start_ms, port, count(*) as targets, sum(cast(packets as double)) as packets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(connections as double)) as connections, sum(cast(answered_packets as double)) as answered_packets,
    sum(cast(refused_packets as double)) as refused_packets, max(sure_connections) as sure_connections
  from likely_60min group by line, block_start_ms, port
), average_60min as (
  select d.line, d.block_start_ms, d.port, d.targets, d.sure_connections,
    case when d.packets < 1.5 * d.sampled_packets then d.connections
      else greatest(
        d.connections - 2 * sqrt(d.connections * d.packets / d.sampled_packets),
        case when d.records >= p.separate * d.sampled_packets then d.packets / p.packets_most else 0 end)
      end as likely_connections,
    case when d.sampled_packets >= p.sampled and d.connections * d.sampled_packets >= p.connections_seen * d.packets
        and d.packets >= p.packets_least * d.connections and d.packets <= p.packets_most * d.connections
        and (p.two_way = 0 or (d.answered_packets >= p.answered * d.packets
      and d.refused_packets <= p.refused * d.answered_packets)) then 1 else 0 end as short,
    case when d.sampled_packets >= p.packets_a_target * d.targets then 1 else 0 end as counted
  from door_60min d join params p on p.line = d.line
), judged as (
  select b.line, b.block_start_ms, b.port, b.targets, b.likely_connections,
    case when b.port in (23, 2323) then p.telnet_10min
      when b.port in (22, 445, 2222, 3389, 5900) then p.remote_10min
      when b.port in (1433, 3306, 5432) then p.database_10min else p.transfer_10min end as enough_10min,
    case when b.port in (23, 2323) then p.telnet_60min
      when b.port in (22, 445, 2222, 3389, 5900) then p.remote_60min
      when b.port in (1433, 3306, 5432) then p.database_60min else p.transfer_60min end as enough_60min,
    greatest(b.sure_connections, b.short * b.counted * b.likely_connections / b.targets) as an_address,
    case when greatest(b.sure_connections, b.short * b.counted * b.likely_connections / b.targets)
        >= case when b.port in (23, 2323) then p.telnet_10min
      when b.port in (22, 445, 2222, 3389, 5900) then p.remote_10min
      when b.port in (1433, 3306, 5432) then p.database_10min else p.transfer_10min end
      or b.short * b.likely_connections >= p.any_10min then 1 else 0 end as in_block,
    case when greatest(h.sure_connections, h.short * h.counted * h.likely_connections / h.targets)
        >= case when b.port in (23, 2323) then p.telnet_60min
      when b.port in (22, 445, 2222, 3389, 5900) then p.remote_60min
      when b.port in (1433, 3306, 5432) then p.database_60min else p.transfer_60min end then 1 else 0 end as in_hour
  from average_10min b
    join average_60min h on h.line = b.line and h.block_start_ms = b.block_start_ms and h.port = b.port
    join params p on p.line = b.line
), flagged as (
  select *, max(in_hour) over (partition by line, port
    order by block_start_ms range between current row and 3000000 following) as within_hour
  from judged
), forced as (
  select * from flagged where in_block = 1 or within_hour = 1
)
select line, block_start_ms, case when network between 281470681743360 and 281474976710655 then 0 else network end as network_hi,
  case when network between 281470681743360 and 281474976710655 then network else 0 end as network_lo, case when network between 281470681743360 and 281474976710655 then 120 else 48 end as network_bits, port, 6 as protocol, packets, targets
from (
  select s.line, s.block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, s.port, sum(cast(s.packets as double)) as packets,
    max(f.targets) as targets
  from short s join forced f on f.line = s.line and f.block_start_ms = s.block_start_ms and f.port = s.port
  group by s.line, s.block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end, s.port
) n;

