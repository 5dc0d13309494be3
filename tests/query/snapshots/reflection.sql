-- screen
select (reflector_packets >= 5 * 40) as reflection from line_window;

-- suspects
select line from line_target where own_port <> 0
group by line, block_start_ms, own_port
having sum(cast(sampled_packets as double)) >= 20 and sum(cast(packets as double)) >= 10 * 100;

-- candidates
with client as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, own_port, packets, octets, records, sampled_packets,
    answered_packets, answered_octets, first_ms, last_ms
  from line_target where protocol = 17 and own_port <> 0
), later as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, sum(cast(fragment_packets as double)) as fragments,
    sum(cast(octets * fragment_packets / packets as double)) as fragment_octets
  from line_target where protocol = 17 and own_port = 0 and fragment_packets > 0
  group by line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end
), network as (
  select line, block_start_ms, network, own_port, count(*) as targets,
    sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(answered_packets as double)) as asked_packets, sum(cast(answered_octets as double)) as asked_octets,
    greatest(max(last_ms) - min(first_ms), 10000) as lasted_ms
  from client group by line, block_start_ms, network, own_port
), shape as (
  select n.*, coalesce(l.fragments, 0) as fragments, coalesce(l.fragment_octets, 0) as fragment_octets
  from network n
    left join later l on l.line = n.line and l.block_start_ms = n.block_start_ms and l.network = n.network
), victim as (
  select s.*, case
      when s.sampled_packets < p.sampled or s.packets < 10 * p.pps_10s
        or s.octets < s.packets * case when s.own_port = 53 then p.dns_octets else p.answer_octets end
        or s.asked_octets * p.amplification > s.octets
        or (p.two_way = 1 and s.asked_packets = 0 and s.sampled_packets >= p.questions_missed) then 0
      when (s.records >= p.scattered_records
          and s.records * 10000.0 >= p.scattered_pace * least(s.targets, 4) * s.lasted_ms)
        or (s.packets >= 1.5 * s.sampled_packets and s.records >= p.separate * s.sampled_packets
          and s.sampled_packets * 10000.0 >= p.separate_pace * least(s.targets, 4) * s.lasted_ms)
        or s.fragments >= p.fragments_each * s.packets
        or (s.octets < p.bulk_octets * s.packets and (p.two_way = 1 or s.own_port < 1024))
        or (p.two_way = 1 and s.asked_packets >= p.answers_each * s.packets
          and s.sampled_packets >= p.answers_each_sampled)
        or (p.two_way = 1 and s.packets * 1000.0 >= p.feed_pps * s.lasted_ms
          and s.asked_packets <= p.feed_answers * s.packets) then 1
      else 0 end as hit
  from shape s join params p on p.line = s.line
), service as (
  select line, block_start_ms, own_port, sum(cast(hit as double)) as hits, sum(cast(1 - hit as double)) as others
  from victim group by line, block_start_ms, own_port
), reflected as (
  select v.*
  from victim v
    join service s on s.line = v.line and s.block_start_ms = v.block_start_ms and s.own_port = v.own_port
    join params p on p.line = v.line
  where v.hit = 1 and (v.own_port < 1024 or s.others <= p.other_clients * s.hits)
), whole as (
  select n.line, n.block_start_ms, sum(cast(n.packets as double)) as packets, sum(cast(n.octets as double)) as octets
  from network n group by n.line, n.block_start_ms
), whole_later as (
  select line, block_start_ms, sum(cast(fragments as double)) as fragments
  from later group by line, block_start_ms
), named as (
  select line, block_start_ms, arg_max(own_port, packets * 65536 + own_port) as service_port
  from (select line, block_start_ms, own_port, sum(cast(packets as double)) as packets
    from reflected group by line, block_start_ms, own_port) s
  group by line, block_start_ms
), hit as (
  select line, block_start_ms, network, sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(sampled_packets as double)) as sampled_packets, sum(cast(asked_octets as double)) as asked_octets,
    max(targets) as targets, max(fragments) as fragments, max(fragment_octets) as fragment_octets,
    max(lasted_ms) as lasted_ms
  from reflected group by line, block_start_ms, network
), summed as (
  select line, block_start_ms, sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(sampled_packets as double)) as block_sampled_packets, sum(cast(targets as double)) as targets,
    sum(cast(fragments as double)) as fragments, max(lasted_ms) as lasted_ms,
    sum(cast(octets + fragment_octets as double)) / nullif(sum(cast(asked_octets as double)), 0) as amplification
  from hit group by line, block_start_ms
), evidence as (
  select s.line, s.block_start_ms, n.service_port, s.block_sampled_packets, s.targets, s.lasted_ms,
    coalesce(s.amplification, 0) as amplification, s.packets / w.packets as share, s.octets / w.octets as octets_share,
    coalesce(s.fragments / f.fragments, 0) as fragments_share
  from summed s
    join named n on n.line = s.line and n.block_start_ms = s.block_start_ms
    join whole w on w.line = s.line and w.block_start_ms = s.block_start_ms
    left join whole_later f on f.line = s.line and f.block_start_ms = s.block_start_ms
), answer as (
  select w.line, w.window_start_ms, e.service_port, e.block_sampled_packets, e.targets, e.amplification, p.two_way,
    p.sustain, 10 * p.pps_10s as enough_10s, 60 * p.pps_60s as enough_60s, e.lasted_ms,
    p.pps_10s as opens_pps_10s, p.pps_60s as opens_pps_60s, p.amplification as opens_amplification,
    case when e.service_port = 53 then p.dns_octets else p.answer_octets end as opens_mean_octets,
    w.reflector_packets * e.share as answers, w.packets_var * w.reflector_packets / w.packets * e.share as answers_var,
    w.reflector_packets * e.share + w.fragment_packets * e.fragments_share as packets,
    w.reflector_octets * e.octets_share + w.fragment_octets * e.fragments_share as octets,
    w.sampled_packets / w.packets as sampled_share, w.packets_var / w.packets as var_share
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
    join params p on p.line = w.line
  where w.side = 0 and w.reflector_packets > 0
), rated as (
  select *,
    greatest(counted / enough_10s, minute / enough_60s,
      case when block_var > 0 then block / enough_block else 0 end) as rate,
    greatest((counted - 2 * sqrt(counted_var)) / enough_10s,
      (minute - 2 * sqrt(minute_var)) / enough_60s,
      case when block_var > 0 then (block - 2 * sqrt(block_var)) / enough_block else 0 end) as sure_rate
  from (
    select *, answers as counted, answers_var as counted_var,
      sum(cast(answers as double)) over (partition by line, window_start_ms // 60000) as minute, sum(cast(answers_var as double)) over (partition by line, window_start_ms // 60000) as minute_var,
      sum(cast(answers as double)) over (partition by line, window_start_ms // 600000) as block, sum(cast(answers_var as double)) over (partition by line, window_start_ms // 600000) as block_var,
      enough_60s * greatest(lasted_ms, 60000) / 60000 as enough_block
    from answer
  ) w
)
select line, window_start_ms, case when sure_rate >= 1 then 1 else 0 end as opens, packets, octets,
  packets * sampled_share as sampled_packets, packets * var_share as packets_var,
  octets * (octets / packets) * var_share as octets_var,
  service_port, amplification, targets, octets / packets as mean_octets, two_way, block_sampled_packets,
  opens_pps_10s, opens_pps_60s, opens_mean_octets, opens_amplification
from rated where rate >= sustain;

-- targets
with client as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, own_port, packets, octets, records, sampled_packets,
    answered_packets, answered_octets, first_ms, last_ms
  from line_target where protocol = 17 and own_port <> 0
), later as (
  select line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, sum(cast(fragment_packets as double)) as fragments,
    sum(cast(octets * fragment_packets / packets as double)) as fragment_octets
  from line_target where protocol = 17 and own_port = 0 and fragment_packets > 0
  group by line, block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end
), network as (
  select line, block_start_ms, network, own_port, count(*) as targets,
    sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(answered_packets as double)) as asked_packets, sum(cast(answered_octets as double)) as asked_octets,
    greatest(max(last_ms) - min(first_ms), 10000) as lasted_ms
  from client group by line, block_start_ms, network, own_port
), shape as (
  select n.*, coalesce(l.fragments, 0) as fragments, coalesce(l.fragment_octets, 0) as fragment_octets
  from network n
    left join later l on l.line = n.line and l.block_start_ms = n.block_start_ms and l.network = n.network
), victim as (
  select s.*, case
      when s.sampled_packets < p.sampled or s.packets < 10 * p.pps_10s
        or s.octets < s.packets * case when s.own_port = 53 then p.dns_octets else p.answer_octets end
        or s.asked_octets * p.amplification > s.octets
        or (p.two_way = 1 and s.asked_packets = 0 and s.sampled_packets >= p.questions_missed) then 0
      when (s.records >= p.scattered_records
          and s.records * 10000.0 >= p.scattered_pace * least(s.targets, 4) * s.lasted_ms)
        or (s.packets >= 1.5 * s.sampled_packets and s.records >= p.separate * s.sampled_packets
          and s.sampled_packets * 10000.0 >= p.separate_pace * least(s.targets, 4) * s.lasted_ms)
        or s.fragments >= p.fragments_each * s.packets
        or (s.octets < p.bulk_octets * s.packets and (p.two_way = 1 or s.own_port < 1024))
        or (p.two_way = 1 and s.asked_packets >= p.answers_each * s.packets
          and s.sampled_packets >= p.answers_each_sampled)
        or (p.two_way = 1 and s.packets * 1000.0 >= p.feed_pps * s.lasted_ms
          and s.asked_packets <= p.feed_answers * s.packets) then 1
      else 0 end as hit
  from shape s join params p on p.line = s.line
), service as (
  select line, block_start_ms, own_port, sum(cast(hit as double)) as hits, sum(cast(1 - hit as double)) as others
  from victim group by line, block_start_ms, own_port
), reflected as (
  select v.*
  from victim v
    join service s on s.line = v.line and s.block_start_ms = v.block_start_ms and s.own_port = v.own_port
    join params p on p.line = v.line
  where v.hit = 1 and (v.own_port < 1024 or s.others <= p.other_clients * s.hits)
)
select line, block_start_ms, case when network between 281470681743360 and 281474976710655 then 0 else network end as network_hi,
  case when network between 281470681743360 and 281474976710655 then network else 0 end as network_lo, case when network between 281470681743360 and 281474976710655 then 120 else 48 end as network_bits, 0 as port, 17 as protocol, packets, targets
from (
  select line, block_start_ms, network, sum(cast(packets as double)) as packets, max(targets) as targets
  from reflected group by line, block_start_ms, network
) v;

