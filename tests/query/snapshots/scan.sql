-- screen
select (syn_packets > 0) as scan from line_window;

-- suspects
with pair as (
  select t.line, t.block_start_ms, t.port, t.target_lo, case when t.syn_sampled_packets >= 0.8 * t.sampled_packets and t.syn_sampled_packets > 0
      and t.answered_syn_ack_packets = 0 then 1 else 0 end as probe
  from line_target t where t.protocol = 6 and t.port <> 25
)
select p.line from pair p join (
    select line, port from pair where probe = 1 group by line, port
    having count(*) >= least(8, 10)
  ) k on k.line = p.line and k.port = p.port
  group by p.line, p.block_start_ms, p.port having sum(cast(p.probe as double)) > 0
    and sum(cast(p.probe as double)) >= 2 * sum(cast(1 - p.probe as double))
union all
select p.line from pair p join (
    select line, target_lo from pair where probe = 1 group by line, target_lo
    having count(*) >= least(8, 10)
  ) k on k.line = p.line and k.target_lo = p.target_lo
  group by p.line, p.block_start_ms, p.target_lo having sum(cast(p.probe as double)) > 0
    and sum(cast(p.probe as double)) >= 2 * sum(cast(1 - p.probe as double));

-- candidates
with pair as (
  select t.line, t.block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, t.target_lo, t.port, t.syn_packets, t.syn_sampled_packets,
    p.syn_a_network, p.probes_10min, case when t.syn_sampled_packets >= 0.8 * t.sampled_packets and t.syn_sampled_packets > 0
      and t.answered_syn_ack_packets = 0 then 1 else 0 end as probe
  from line_target t join params p on p.line = t.line
  where t.protocol = 6
), street as (
  select line, block_start_ms, network, port, sum(cast(probe as double)) as probes, count(*) as pairs,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(syn_sampled_packets as double)) as syn_sampled_packets,
    case when sum(cast(syn_packets as double)) > max(syn_a_network)
      and sum(cast(syn_sampled_packets as double)) >= max(probes_10min)
      and (network between 281470681743360 and 281474976710655
        or sum(cast(syn_sampled_packets as double)) >= 4 * count(*)) then 1 else 0 end as crowded
  from pair group by line, block_start_ms, network, port
), doors as (
  select line, block_start_ms, 0 as vertical, port as door, 0 as network,
    sum(cast(case when crowded = 1 then 0 else probes end as double)) as probes,
    sum(cast(pairs - probes as double)) as others,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(syn_sampled_packets as double)) as syn_sampled_packets
  from street group by line, block_start_ms, port
  union all
  select line, block_start_ms, 1 as vertical, target_lo as door, max(network) as network,
    sum(cast(probe as double)) as probes, sum(cast(1 - probe as double)) as others,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(syn_sampled_packets as double)) as syn_sampled_packets
  from pair group by line, block_start_ms, target_lo
), whole as (
  select line, vertical, block_start_ms, sum(cast(probes as double)) as all_probes,
    sum(cast(syn_packets as double)) as all_syn
  from doors group by line, vertical, block_start_ms
), knocked as (
  select d.line, d.vertical, d.door from doors d join params p on p.line = d.line
  group by d.line, d.vertical, d.door, p.probes_10min, p.probes_60min
  having sum(cast(d.probes as double)) >= least(p.probes_10min, p.probes_60min)
), hour as (
  select d.*, w.all_probes, w.all_syn, d.syn_packets / greatest(d.syn_sampled_packets, 1e-9) as scale,
    sum(cast(d.probes as double)) over (partition by d.line, d.vertical, d.door order by d.block_start_ms range between 3000000 preceding and current row) as hour_probes,
    sum(cast(d.others as double)) over (partition by d.line, d.vertical, d.door order by d.block_start_ms range between 3000000 preceding and current row) as hour_others
  from doors d
    join knocked k on k.line = d.line and k.vertical = d.vertical and k.door = d.door
    join whole w on w.line = d.line and w.vertical = d.vertical and w.block_start_ms = d.block_start_ms
), judged as (
  select d.*, case when d.vertical = 1 then p.ports_10min
      when d.door in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023) then p.device_targets_10min
      when d.door in (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443) then p.ordinary_targets_10min else p.any_targets_10min end as enough_10min, case when d.vertical = 1 then p.ports_60min
      when d.door in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023) then p.device_targets_60min
      when d.door in (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443) then p.ordinary_targets_60min else p.any_targets_60min end as enough_60min,
    case when d.probes < p.probes_10min or d.probes < p.probes_an_other * d.others
        or d.probes * d.scale < case when d.vertical = 1 then p.ports_10min
      when d.door in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023) then p.device_targets_10min
      when d.door in (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443) then p.ordinary_targets_10min else p.any_targets_10min end then 0 else 1 end as in_block,
    case when d.hour_probes < p.probes_60min or d.hour_probes < p.probes_an_other * d.hour_others
        or d.hour_probes * d.scale < case when d.vertical = 1 then p.ports_60min
      when d.door in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023) then p.device_targets_60min
      when d.door in (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443) then p.ordinary_targets_60min else p.any_targets_60min end then 0 else 1 end as in_hour
  from hour d join params p on p.line = d.line
  where d.probes > 0 and (d.vertical = 1 or d.door <> 25)
    and (d.vertical = 0 or d.syn_packets <= p.syn_an_address)
    and (d.vertical = 1 or d.door in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023, 22, 80, 81, 443, 445, 3389, 8080, 8081, 8443) or d.probes >= p.any_port_share * d.all_probes)
), flagged as (
  select *, max(in_hour) over (partition by line, vertical, door
    order by block_start_ms range between current row and 3000000 following) as within_hour
  from judged
), scanned as (
  select * from flagged where in_block = 1 or within_hour = 1
), evidence as (
  select line, block_start_ms, least(sum(cast(syn_packets as double)) / greatest(max(all_syn), 1e-9), 1) as share,
    max(case when vertical = 0 then probes else 1 end) as targets,
    max(case when vertical = 1 then probes else 1 end) as ports,
    coalesce(arg_max(door, probes * 65536 + door) filter (where vertical = 0), 0) as main_port,
    coalesce(arg_max(enough_10min, probes * 65536 + door) filter (where vertical = 0), 0) as opens_targets_10min,
    coalesce(arg_max(enough_60min, probes * 65536 + door) filter (where vertical = 0), 0) as opens_targets_60min,
    coalesce(max(enough_10min) filter (where vertical = 1), 0) as opens_ports_10min,
    coalesce(max(enough_60min) filter (where vertical = 1), 0) as opens_ports_60min,
    max(probes * scale) as likely_doors, sum(cast(syn_sampled_packets as double)) as block_sampled_packets
  from scanned group by line, block_start_ms
)
select e.line, w.window_start_ms, 1 as opens,
  w.syn_packets * e.share as packets, w.syn_octets * e.share as octets,
  w.sampled_packets * w.syn_packets / w.packets * e.share as sampled_packets,
  w.packets_var * w.syn_packets / w.packets * e.share as packets_var,
  w.packets_var * w.syn_octets / w.packets * e.share * w.syn_octets / w.syn_packets as octets_var,
  e.targets, e.ports, e.main_port, e.likely_doors, e.block_sampled_packets, p.two_way,
  e.opens_targets_10min, e.opens_targets_60min, e.opens_ports_10min, e.opens_ports_60min,
  p.probes_an_other as opens_probes_an_other
from line_window w
  join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
  join params p on p.line = w.line
where w.side = 0 and w.syn_packets > 0;

-- targets
with pair as (
  select t.line, t.block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, t.target_lo, t.port, t.syn_packets, t.syn_sampled_packets,
    p.syn_a_network, p.probes_10min, case when t.syn_sampled_packets >= 0.8 * t.sampled_packets and t.syn_sampled_packets > 0
      and t.answered_syn_ack_packets = 0 then 1 else 0 end as probe
  from line_target t join params p on p.line = t.line
  where t.protocol = 6
), street as (
  select line, block_start_ms, network, port, sum(cast(probe as double)) as probes, count(*) as pairs,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(syn_sampled_packets as double)) as syn_sampled_packets,
    case when sum(cast(syn_packets as double)) > max(syn_a_network)
      and sum(cast(syn_sampled_packets as double)) >= max(probes_10min)
      and (network between 281470681743360 and 281474976710655
        or sum(cast(syn_sampled_packets as double)) >= 4 * count(*)) then 1 else 0 end as crowded
  from pair group by line, block_start_ms, network, port
), doors as (
  select line, block_start_ms, 0 as vertical, port as door, 0 as network,
    sum(cast(case when crowded = 1 then 0 else probes end as double)) as probes,
    sum(cast(pairs - probes as double)) as others,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(syn_sampled_packets as double)) as syn_sampled_packets
  from street group by line, block_start_ms, port
  union all
  select line, block_start_ms, 1 as vertical, target_lo as door, max(network) as network,
    sum(cast(probe as double)) as probes, sum(cast(1 - probe as double)) as others,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(syn_sampled_packets as double)) as syn_sampled_packets
  from pair group by line, block_start_ms, target_lo
), whole as (
  select line, vertical, block_start_ms, sum(cast(probes as double)) as all_probes,
    sum(cast(syn_packets as double)) as all_syn
  from doors group by line, vertical, block_start_ms
), knocked as (
  select d.line, d.vertical, d.door from doors d join params p on p.line = d.line
  group by d.line, d.vertical, d.door, p.probes_10min, p.probes_60min
  having sum(cast(d.probes as double)) >= least(p.probes_10min, p.probes_60min)
), hour as (
  select d.*, w.all_probes, w.all_syn, d.syn_packets / greatest(d.syn_sampled_packets, 1e-9) as scale,
    sum(cast(d.probes as double)) over (partition by d.line, d.vertical, d.door order by d.block_start_ms range between 3000000 preceding and current row) as hour_probes,
    sum(cast(d.others as double)) over (partition by d.line, d.vertical, d.door order by d.block_start_ms range between 3000000 preceding and current row) as hour_others
  from doors d
    join knocked k on k.line = d.line and k.vertical = d.vertical and k.door = d.door
    join whole w on w.line = d.line and w.vertical = d.vertical and w.block_start_ms = d.block_start_ms
), judged as (
  select d.*, case when d.vertical = 1 then p.ports_10min
      when d.door in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023) then p.device_targets_10min
      when d.door in (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443) then p.ordinary_targets_10min else p.any_targets_10min end as enough_10min, case when d.vertical = 1 then p.ports_60min
      when d.door in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023) then p.device_targets_60min
      when d.door in (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443) then p.ordinary_targets_60min else p.any_targets_60min end as enough_60min,
    case when d.probes < p.probes_10min or d.probes < p.probes_an_other * d.others
        or d.probes * d.scale < case when d.vertical = 1 then p.ports_10min
      when d.door in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023) then p.device_targets_10min
      when d.door in (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443) then p.ordinary_targets_10min else p.any_targets_10min end then 0 else 1 end as in_block,
    case when d.hour_probes < p.probes_60min or d.hour_probes < p.probes_an_other * d.hour_others
        or d.hour_probes * d.scale < case when d.vertical = 1 then p.ports_60min
      when d.door in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023) then p.device_targets_60min
      when d.door in (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443) then p.ordinary_targets_60min else p.any_targets_60min end then 0 else 1 end as in_hour
  from hour d join params p on p.line = d.line
  where d.probes > 0 and (d.vertical = 1 or d.door <> 25)
    and (d.vertical = 0 or d.syn_packets <= p.syn_an_address)
    and (d.vertical = 1 or d.door in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023, 22, 80, 81, 443, 445, 3389, 8080, 8081, 8443) or d.probes >= p.any_port_share * d.all_probes)
), flagged as (
  select *, max(in_hour) over (partition by line, vertical, door
    order by block_start_ms range between current row and 3000000 following) as within_hour
  from judged
), scanned as (
  select * from flagged where in_block = 1 or within_hour = 1
), named as (
  select s.line, s.block_start_ms, s.syn_packets as packets, d.probes as targets, d.door as port,
    case when s.probes * 10 >= d.probes and s.probes >= 3 then s.network
      when s.network between 281470681743360 and 281474976710655 then 281470681743360 else 0 end as network,
    case when s.probes * 10 >= d.probes and s.probes >= 3 then 0 else 1 end as unnamed
  from street s join scanned d on d.line = s.line and d.block_start_ms = s.block_start_ms and d.vertical = 0
    and d.door = s.port
  where s.probes > 0 and s.crowded = 0
  union all
  select line, block_start_ms, syn_packets as packets, 1 as targets, 0 as port, network, 0 as unnamed
  from scanned where vertical = 1
)
select line, block_start_ms, network_hi, network_lo,
  case when unnamed = 0 then network_bits when network_bits = 120 then 96 else 0 end as network_bits,
  port, 6 as protocol, sum(cast(packets as double)) as packets, max(targets) as targets
from (select *, case when network between 281470681743360 and 281474976710655 then 0 else network end as network_hi,
  case when network between 281470681743360 and 281474976710655 then network else 0 end as network_lo, case when network between 281470681743360 and 281474976710655 then 120 else 48 end as network_bits from named) n
group by line, block_start_ms, network_hi, network_lo, network_bits, port, unnamed;

