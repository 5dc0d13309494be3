-- screen
select (udp_packets + tcp_packets > 0) as c2_contact from line_window;

-- suspects
select distinct t.line from line_target t join indicators i on i.network = case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end
    and t.target_hi between i.hi_first and i.hi_last and t.target_lo between i.lo_first and i.lo_last
    and (i.port = 0 or i.port = t.port) and (i.protocol = 0 or i.protocol = t.protocol)
    and t.last_ms >= i.valid_from_ms and t.first_ms < i.valid_until_ms
where t.protocol in (6, 17) and t.own_port = 0;

-- candidates
with listed as (
  select t.*, i.indicator, i.port as known_port, i.sinkhole, i.label, i.source,
    row_number() over (partition by t.line, t.block_start_ms, t.target_hi, t.target_lo, t.port, t.protocol
      order by case when i.port > 0 then 0 else 1 end, i.indicator) as choice
  from line_target t join indicators i on i.network = case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end
    and t.target_hi between i.hi_first and i.hi_last and t.target_lo between i.lo_first and i.lo_last
    and (i.port = 0 or i.port = t.port) and (i.protocol = 0 or i.protocol = t.protocol)
    and t.last_ms >= i.valid_from_ms and t.first_ms < i.valid_until_ms
  where t.protocol in (6, 17) and t.own_port = 0
), hour as (
  select *, sum(cast(packets as double)) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) as hour_packets,
    sum(cast(syn_packets + reset_packets as double)) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) as hour_began_packets,
    sum(cast(sampled_packets as double)) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) as hour_sampled_packets,
    sum(cast(connections as double)) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) as hour_connections,
    sum(cast(answered_packets as double)) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) as hour_answered_packets,
    (max(last_ms) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) - min(first_ms) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row)) / 1000e0 as hour_s
  from listed where choice = 1
), contact as (
  select h.*, p.two_way,
    case when h.known_port > 0 or h.port < p.high_port or h.hour_connections >= p.connections then 1 else 0
      end as asked,
    case when h.hour_s >= p.contact_s and h.hour_sampled_packets >= p.contact_packets then 1 else 0 end as repeated
  from hour h join params p on p.line = h.line
  where h.hour_packets >= p.contact_packets and (
    (h.protocol = 6 and h.hour_began_packets < p.began_share * h.hour_packets)
    or (h.protocol = 17 and (p.two_way = 0 or h.hour_answered_packets > 0)))
), met as (
  select *, max(asked * repeated) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between current row and 3000000 following) as acts
  from contact
  where known_port > 0 or asked * repeated = 1 or (asked + repeated > 0
    and (protocol = 17 or hour_connections > 0 or hour_packets > 1.5 * hour_sampled_packets))
), ranked as (
  select *, row_number() over (partition by line, block_start_ms
    order by acts desc, hour_sampled_packets desc, indicator, target_hi, target_lo, port, protocol) as place
  from met
), block as (
  select line, block_start_ms, max(acts) as acts, min(first_ms) as first_ms, max(last_ms) as last_ms,
    sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(sampled_packets as double)) as sampled_packets
  from ranked group by line, block_start_ms
), spread as (
  select w.line, w.window_start_ms, b.acts, b.octets / b.packets as mean_octets,
    b.sampled_packets / b.packets as sampled_share, w.packets_var / w.packets as var_share,
    least(b.packets / count(*) over (partition by w.line, b.block_start_ms), w.packets) as packets, b.block_start_ms
  from line_window w join block b on b.line = w.line and b.block_start_ms = w.window_start_ms // 600000 * 600000
    and w.window_start_ms <= b.last_ms and w.window_start_ms + 10000 > b.first_ms
  where w.side = 0 and w.packets > 0
)
select s.line, s.window_start_ms, 1 as opens, s.acts, s.packets, s.packets * s.mean_octets as octets,
  s.packets * s.sampled_share as sampled_packets, s.packets * s.var_share as packets_var,
  s.packets * s.var_share * s.mean_octets * s.mean_octets as octets_var,
  r.hour_sampled_packets as contacts, r.hour_s as contact_s, r.port as main_port, r.known_port, r.sinkhole, r.two_way,
  r.label, r.source, p.contact_packets as opens_contact_packets, p.contact_s as opens_contact_s
from spread s join ranked r on r.line = s.line and r.block_start_ms = s.block_start_ms and r.place = 1
  join params p on p.line = s.line;

-- targets
with listed as (
  select t.*, i.indicator, i.port as known_port, i.sinkhole, i.label, i.source,
    row_number() over (partition by t.line, t.block_start_ms, t.target_hi, t.target_lo, t.port, t.protocol
      order by case when i.port > 0 then 0 else 1 end, i.indicator) as choice
  from line_target t join indicators i on i.network = case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end
    and t.target_hi between i.hi_first and i.hi_last and t.target_lo between i.lo_first and i.lo_last
    and (i.port = 0 or i.port = t.port) and (i.protocol = 0 or i.protocol = t.protocol)
    and t.last_ms >= i.valid_from_ms and t.first_ms < i.valid_until_ms
  where t.protocol in (6, 17) and t.own_port = 0
), hour as (
  select *, sum(cast(packets as double)) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) as hour_packets,
    sum(cast(syn_packets + reset_packets as double)) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) as hour_began_packets,
    sum(cast(sampled_packets as double)) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) as hour_sampled_packets,
    sum(cast(connections as double)) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) as hour_connections,
    sum(cast(answered_packets as double)) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) as hour_answered_packets,
    (max(last_ms) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row) - min(first_ms) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between 3000000 preceding and current row)) / 1000e0 as hour_s
  from listed where choice = 1
), contact as (
  select h.*, p.two_way,
    case when h.known_port > 0 or h.port < p.high_port or h.hour_connections >= p.connections then 1 else 0
      end as asked,
    case when h.hour_s >= p.contact_s and h.hour_sampled_packets >= p.contact_packets then 1 else 0 end as repeated
  from hour h join params p on p.line = h.line
  where h.hour_packets >= p.contact_packets and (
    (h.protocol = 6 and h.hour_began_packets < p.began_share * h.hour_packets)
    or (h.protocol = 17 and (p.two_way = 0 or h.hour_answered_packets > 0)))
), met as (
  select *, max(asked * repeated) over (partition by line, target_hi, target_lo, port, protocol order by block_start_ms range between current row and 3000000 following) as acts
  from contact
  where known_port > 0 or asked * repeated = 1 or (asked + repeated > 0
    and (protocol = 17 or hour_connections > 0 or hour_packets > 1.5 * hour_sampled_packets))
), street as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, target_lo, target_hi, port, protocol, packets from met
)
select line, block_start_ms, case when network between 281470681743360 and 281474976710655 then 0 else network end as network_hi,
  case when network between 281470681743360 and 281474976710655 then network else 0 end as network_lo, case when network between 281470681743360 and 281474976710655 then 120 else 48 end as network_bits, port, protocol, sum(cast(packets as double)) as packets,
  count(distinct target_lo) as targets
from street group by line, block_start_ms, network, port, protocol;

