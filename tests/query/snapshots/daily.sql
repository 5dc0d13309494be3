-- DAY_VOLUME_SQL
with known as (
  select h.line, sum(cast(h.octets as double)) as day_octets, sum(cast(b.usual_octets as double)) as usual_octets,
    cast(count(*) as double) as hours, cast(min(b.weeks) as double) as weeks, avg(b.spread) as spread
  from line_hour h
    join baseline b on b.line = h.line and b.hour_start_ms = h.hour_start_ms
    join params p on p.line = h.line
  where b.weeks >= p.weeks
  group by h.line
)
select k.line, k.day_octets, k.usual_octets, k.hours, k.weeks,
  pow(2, p.spreads * greatest(k.spread, p.least_spread)) as opens_times_usual
from known k join params p on p.line = k.line
where k.hours >= p.hours and k.day_octets >= p.octets
  and k.day_octets >= k.usual_octets * pow(2, p.spreads * greatest(k.spread, p.least_spread))
order by k.line;

-- DOOR_PARTS_SQL
with way as (
  select src_line as line, dst_hi as target_hi, dst_lo as target_lo, dst_port as port,
    received_at // 3600000 as hour, cast(packets as double) as sampled_packets,
    cast(packets as double) * case when sampling_interval = 0 then 1e0 else sampling_interval end as packets,
    case when protocol = 6 and (tcp_flags & 23) = 2 then cast(packets as double) else 0e0 end as lone_syn, 0e0 as answered
  from attributed
  where src_line > 0 and boundary >= 0 and protocol = 6 and dst_port in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023, 22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
  union all
  select dst_line as line, src_hi as target_hi, src_lo as target_lo, src_port as port,
    received_at // 3600000 as hour, 0e0 as sampled_packets, 0e0 as packets, 0e0 as lone_syn,
    cast(packets as double) as answered
  from attributed
  where dst_line > 0 and boundary >= 0 and protocol = 6 and (tcp_flags & 18) = 18
    and src_port in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023, 22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
)
select w.line, w.target_hi, w.target_lo, w.port, w.hour, cast(sum(w.sampled_packets) as double) as sampled_packets,
  cast(sum(w.packets) as double) as packets, cast(sum(w.lone_syn) as double) as lone_syn,
  cast(sum(w.answered) as double) as answered
from way w join asked a on a.line = w.line
group by w.line, w.target_hi, w.target_lo, w.port, w.hour;

-- HOUR_PARTS_SQL
select src_line as line, boundary, received_at // 3600000 * 3600000 as hour_start_ms, count(*) as records,
  cast(sum(cast(octets as double) * case when sampling_interval = 0 then 1e0 else sampling_interval end) as double) as octets,
  cast(sum(cast(packets as double)) as double) as sampled_packets,
  cast(sum(case when protocol = 6 and (tcp_flags & 23) = 2 then cast(packets as double) else 0e0 end) as double) as lone_syn
from attributed where src_line > 0 and boundary >= 0
group by src_line, boundary, received_at // 3600000;

-- LINE_HOUR_SQL
with summed as (
  select line, boundary, hour_start_ms, cast(sum(octets) as double) as octets,
    cast(sum(sampled_packets) as double) as sampled_packets, cast(sum(lone_syn) as double) as lone_syn
  from part group by line, boundary, hour_start_ms
), most as (
  select line, boundary, row_number() over (partition by line order by octets desc, boundary) as place
  from (select line, boundary, cast(sum(octets) as double) as octets from summed group by line, boundary) b
)
select s.line, s.hour_start_ms, s.octets, s.sampled_packets, s.lone_syn
from summed s join most m on m.line = s.line and m.boundary = s.boundary
where m.place = 1;

-- SLOW_SCAN_SQL
with pair as (
  select line, port, target_hi, target_lo, cast(sum(sampled_packets) as double) as sampled_packets,
    cast(sum(packets) as double) as packets, cast(sum(lone_syn) as double) as lone_syn,
    cast(sum(answered) as double) as answered, min(hour) as hour
  from line_day_door group by line, port, target_hi, target_lo
), judged as (
  select *, case when lone_syn > 0 and lone_syn >= 8e-1 * sampled_packets and answered = 0 then 1 else 0 end as probe
  from pair where sampled_packets > 0
), door as (
  select line, port, sum(cast(probe as double)) as probes, sum(cast(1 - probe as double)) as others,
    sum(cast(packets as double)) / sum(cast(sampled_packets as double)) as scale,
    cast(count(distinct case when probe = 1 then hour else null end) as double) as hours
  from judged group by line, port
)
select d.line, d.port, d.probes, d.others, d.probes * d.scale as likely_targets, d.hours,
  case when d.port in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023) then p.device_targets else p.ordinary_targets end as opens_targets
from door d join params p on p.line = d.line
where d.probes >= p.probes and d.probes >= p.probes_an_other * d.others and d.hours >= p.hours
  and d.probes * d.scale >= case when d.port in (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023) then p.device_targets else p.ordinary_targets end
order by d.line, d.port;

