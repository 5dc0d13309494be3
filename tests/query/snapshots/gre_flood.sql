-- screen
select (gre_packets >= 5 * 400) as gre_flood from line_window;

-- suspects
select line from line_target
where protocol = 47 and answered_packets * 200 <= packets
group by line, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end having sum(cast(packets as double)) >= 10 * 1000;

-- candidates
with pair as (
  select t.line, t.block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, t.target_hi, t.target_lo, t.port, t.protocol,
    t.first_ms, t.last_ms, t.packets as all_packets, t.connections,
    t.packets - t.fragment_packets as packets, t.packets as volume, t.answered_packets as answered_packets,
    (t.packets - t.fragment_packets) / greatest(t.packets, 1e-9) as part, t.octets, t.records, t.sampled_packets
  from line_target t join params p on p.line = t.line
  where t.protocol = 47
), lately as (
  select t.line, t.block_start_ms + 600000 * b.earlier as block_start_ms, t.network,
    count(case when t.packets > 0 then 1 end) as pairs,
    count(distinct case when t.packets > 0 then t.port end) as ports,
    greatest(count(distinct case when t.packets > 0 then t.target_lo end),
      count(distinct case when t.packets > 0 then t.target_hi end)) as targets,
    max(case when t.packets > 0 then t.port end) as port, max(case when t.packets > 0 then t.protocol end) as protocol,
    min(case when t.packets > 0 then t.first_ms end) as first_ms,
    max(case when t.packets > 0 then t.last_ms end) as last_ms,
    sum(cast(t.all_packets as double)) as all_packets, sum(cast(t.connections as double)) as connections,
    sum(cast(t.packets as double)) as packets, sum(cast(t.octets * t.part as double)) as octets,
    sum(cast(t.records * t.part as double)) as records,
    sum(cast(t.sampled_packets * t.part as double)) as sampled_packets,
    sum(cast(t.answered_packets as double)) as answered_packets,
    sum(cast(case when t.volume > 0 then 1 - b.earlier else 0 end as double)) as own_pairs,
    sum(cast((1 - b.earlier) * t.packets as double)) as own_packets,
    sum(cast((1 - b.earlier) * t.volume as double)) as own_volume,
    sum(cast((1 - b.earlier) * t.answered_packets as double)) as own_answered,
    min(case when b.earlier = 0 and t.packets > 0 then t.first_ms end) as own_first_ms,
    max(case when b.earlier = 0 and t.packets > 0 then t.last_ms end) as own_last_ms
  from pair t join (select 0 as earlier union all select 1 as earlier) b on b.earlier >= 0
  group by t.line, t.block_start_ms + 600000 * b.earlier, t.network
), paired as (
  select *, sum(cast(own_volume as double)) over (partition by line, block_start_ms) as paired_sent,
    sum(cast(own_pairs as double)) over (partition by line, block_start_ms) as all_pairs,
    sum(cast(own_answered as double)) over (partition by line, block_start_ms) as paired_received,
    min(first_ms) over (partition by line, network) as network_from_ms
  from lately where own_pairs > 0
), counted as (
  select w.line, w.window_start_ms // 600000 * 600000 as block_start_ms,
    max(case when w.side = 0 then w.gre_packets else 0 end) / 10 as highest_pps,
    sum(cast(case when w.side = 0 then w.gre_packets else 0 end as double)) as sent,
    sum(cast(case when w.side = 1 then w.gre_packets else 0 end as double)) as received
  from line_window w group by w.line, w.window_start_ms // 600000 * 600000
), unmatched as (
  select c.line, c.block_start_ms, greatest(c.received - coalesce(a.packets, 0), 0) as packets
  from counted c left join (
    select line, block_start_ms, sum(cast(answered_packets as double)) as packets
    from pair group by line, block_start_ms
  ) a on a.line = c.line and a.block_start_ms = c.block_start_ms
), seen as (
  select line, min(first_ms) as seen_from_ms from line_target group by line
), rest as (
  select line, block_start_ms, records, first_ms as rest_from_ms, last_ms as rest_until_ms
  from line_target where protocol = -1
), left_out as (
  select n.line, n.network, n.block_start_ms, greatest(c.sent - n.paired_sent, 0) as left_out,
    least(greatest(c.sent - n.paired_sent, 0), coalesce(r.records * n.packets / nullif(n.records, 0), c.sent)) as alike,
    coalesce(r.rest_from_ms, n.block_start_ms) as rest_from_ms,
    coalesce(r.rest_until_ms, n.block_start_ms + 600000) as rest_until_ms
  from paired n
    join counted c on c.line = n.line and c.block_start_ms = n.block_start_ms
    left join rest r on r.line = n.line and r.block_start_ms = n.block_start_ms
), shape as (
  select n.*, c.sent, c.highest_pps, l.left_out, l.alike, l.rest_from_ms, l.rest_until_ms,
    l.alike * n.own_pairs / n.all_pairs as own_left_out,
    n.packets + l.alike * n.own_pairs / n.all_pairs as likely_packets,
    c.received - n.paired_received as unmatched_packets,
    greatest(c.received - n.paired_received, 0) + coalesce(u.packets, 0) as unmatched_lately,
    n.packets * 1000.0 / greatest(n.last_ms - n.first_ms, 10000) as mean_pps,
    n.sampled_packets * 1000.0 / greatest(n.last_ms - n.first_ms, 10000) as sampled_pps,
    n.network_from_ms - f.seen_from_ms as silent_before_ms
  from paired n
    join counted c on c.line = n.line and c.block_start_ms = n.block_start_ms
    join left_out l on l.line = n.line and l.network = n.network and l.block_start_ms = n.block_start_ms
    join seen f on f.line = n.line
    left join unmatched u on u.line = n.line and u.block_start_ms = n.block_start_ms - 600000
), flooded as (
  select s.line, s.network, s.block_start_ms,
    case when two_way = 1 and likely_packets >= 10 * pps_10s and answered_packets * packets_an_answer <= packets and sampled_packets * case when octets >= 1200 * packets then answers_bulk else answers_mixed end >= answers_missed
      and (records >= 3 * pairs or (unmatched_packets < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * own_packets and unmatched_lately < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * packets)) then pps_10s when two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled and targets >= one_way_targets then one_way_pps when two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled
      and octets >= 200 * packets and octets < 1000 * packets and silent_before_ms >= 1000 * silent_before_s then one_way_single_pps end as enough_10s, case when two_way = 1 and likely_packets >= 10 * pps_10s and answered_packets * packets_an_answer <= packets and sampled_packets * case when octets >= 1200 * packets then answers_bulk else answers_mixed end >= answers_missed
      and (records >= 3 * pairs or (unmatched_packets < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * own_packets and unmatched_lately < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * packets)) then pps_60s when two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled and targets >= one_way_targets then one_way_pps when two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled
      and octets >= 200 * packets and octets < 1000 * packets and silent_before_ms >= 1000 * silent_before_s then one_way_single_pps end as enough_60s,
    0 as lasting, 1 as acts
  from shape s join params p on p.line = s.line
  where s.packets > 0 and ((two_way = 1 and likely_packets >= 10 * pps_10s and answered_packets * packets_an_answer <= packets and sampled_packets * case when octets >= 1200 * packets then answers_bulk else answers_mixed end >= answers_missed
      and (records >= 3 * pairs or (unmatched_packets < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * own_packets and unmatched_lately < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * packets))) or (two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled and targets >= one_way_targets) or (two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled
      and octets >= 200 * packets and octets < 1000 * packets and silent_before_ms >= 1000 * silent_before_s))
), blocks as (
  select d.line, d.network, d.block_start_ms - 600000 * b.earlier as block_start_ms,
    min(d.enough_10s) as enough_10s, min(d.enough_60s) as enough_60s, min(d.lasting) as lasting, max(d.acts) as acts
  from flooded d join (select 0 as earlier union all select 1 as earlier) b on b.earlier >= 0
  group by d.line, d.network, d.block_start_ms - 600000 * b.earlier
), hit as (
  select s.*, k.enough_10s, k.enough_60s, k.lasting, k.acts from shape s
    join blocks k on k.line = s.line and k.network = s.network and k.block_start_ms = s.block_start_ms
  where s.packets > 0
), evidence as (
  select h.line, h.block_start_ms, max(p.two_way) as two_way, max(p.sustain) as sustain,
    10 * min(h.enough_10s) as enough_10s, 60 * min(h.enough_60s) as enough_60s,
    min(h.lasting) as lasting, max(h.acts) as acts, max(p.packets_an_answer) as opens_packets_an_answer,
    min(h.own_first_ms) as first_ms, max(h.own_last_ms) as last_ms,
    min(h.left_out - h.alike) as other_packets,
    max(h.rest_from_ms) as rest_from_ms, max(h.rest_until_ms) as rest_until_ms,
    max(h.alike) / greatest(max(h.sent) - min(h.left_out - h.alike), 1e-9)
      * (1 - sum(cast(h.own_pairs as double)) / max(h.all_pairs)) as alike_share,
    sum(cast(h.own_volume + h.own_left_out as double)) as packets,
    sum(cast(h.octets as double)) / sum(cast(h.packets as double)) as mean_octets,
    sum(cast(h.sampled_packets as double)) as block_sampled_packets,
    sum(cast(h.pairs as double)) as pairs, sum(cast(h.targets as double)) as targets, max(h.ports) as ports,
    sum(cast(h.records as double)) / sum(cast(h.sampled_packets as double)) as flows_a_sampled_packet,
    sum(cast(h.answered_packets as double)) / sum(cast(h.packets as double)) as answered_share
  from hit h join params p on p.line = h.line
  group by h.line, h.block_start_ms
), elsewhere as (
  select w.line, w.window_start_ms,
    sum(cast(t.volume * (least(t.last_ms + 1, w.window_start_ms + 10000) - greatest(t.first_ms, w.window_start_ms))
      / (t.last_ms + 1 - t.first_ms) as double)) as packets
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
    join pair t on t.line = w.line and t.block_start_ms = e.block_start_ms
      and t.first_ms < w.window_start_ms + 10000 and t.last_ms >= w.window_start_ms
    left join hit h on h.line = t.line and h.network = t.network and h.block_start_ms = t.block_start_ms
  where w.side = 0 and h.line is null group by w.line, w.window_start_ms
), flood as (
  select w.window_start_ms, e.*, w.sampled_packets / w.packets as sampled_share, w.packets_var / w.packets as var_share,
    least((w.gre_packets - e.other_packets * greatest(least(e.rest_until_ms + 1, w.window_start_ms + 10000)
        - greatest(e.rest_from_ms, w.window_start_ms), 0) / (e.rest_until_ms + 1 - e.rest_from_ms))
      * (1 - e.alike_share) - coalesce(o.packets, 0), e.packets) as flood_packets
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
    left join elsewhere o on o.line = w.line and o.window_start_ms = w.window_start_ms
  where w.side = 0 and w.packets > 0 and w.window_start_ms <= e.last_ms and w.window_start_ms + 10000 > e.first_ms
), rated as (
  select *, flood_packets / enough_10s as rate_10s, 6 * flood_packets / enough_60s as share_60s,
    sum(cast(greatest(flood_packets, 0) as double)) over (partition by line, window_start_ms // 60000)
      / enough_60s as rate_60s
  from flood
), kept as (
  select *, sum(cast(case when rate_10s >= sustain then 1 else 0 end as double)) over (partition by line
    order by window_start_ms range between 110000 preceding and current row) as run
  from rated
  where flood_packets > 0 and (rate_10s >= sustain or (rate_60s >= sustain and share_60s >= sustain))
), lasted as (
  select *, max(run) over (partition by line
    order by window_start_ms range between current row and 110000 following) as longest_run
  from kept
)
select line, window_start_ms, acts,
  case when rate_10s >= 1 or (rate_60s >= 1 and share_60s >= sustain) then 1 else 0 end as opens,
  flood_packets as packets, flood_packets * mean_octets as octets,
  flood_packets * sampled_share as sampled_packets, flood_packets * var_share as packets_var,
  flood_packets * var_share * mean_octets * mean_octets as octets_var,
  mean_octets, pairs, targets, ports, flows_a_sampled_packet, answered_share, two_way, block_sampled_packets,
  enough_10s / 10 as opens_pps_10s, enough_60s / 60 as opens_pps_60s,
  lasting * 120 as opens_lasting_s, opens_packets_an_answer
from lasted where lasting = 0 or longest_run >= 12;

-- targets
with pair as (
  select t.line, t.block_start_ms, case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end as network, t.target_hi, t.target_lo, t.port, t.protocol,
    t.first_ms, t.last_ms, t.packets as all_packets, t.connections,
    t.packets - t.fragment_packets as packets, t.packets as volume, t.answered_packets as answered_packets,
    (t.packets - t.fragment_packets) / greatest(t.packets, 1e-9) as part, t.octets, t.records, t.sampled_packets
  from line_target t join params p on p.line = t.line
  where t.protocol = 47
), lately as (
  select t.line, t.block_start_ms + 600000 * b.earlier as block_start_ms, t.network,
    count(case when t.packets > 0 then 1 end) as pairs,
    count(distinct case when t.packets > 0 then t.port end) as ports,
    greatest(count(distinct case when t.packets > 0 then t.target_lo end),
      count(distinct case when t.packets > 0 then t.target_hi end)) as targets,
    max(case when t.packets > 0 then t.port end) as port, max(case when t.packets > 0 then t.protocol end) as protocol,
    min(case when t.packets > 0 then t.first_ms end) as first_ms,
    max(case when t.packets > 0 then t.last_ms end) as last_ms,
    sum(cast(t.all_packets as double)) as all_packets, sum(cast(t.connections as double)) as connections,
    sum(cast(t.packets as double)) as packets, sum(cast(t.octets * t.part as double)) as octets,
    sum(cast(t.records * t.part as double)) as records,
    sum(cast(t.sampled_packets * t.part as double)) as sampled_packets,
    sum(cast(t.answered_packets as double)) as answered_packets,
    sum(cast(case when t.volume > 0 then 1 - b.earlier else 0 end as double)) as own_pairs,
    sum(cast((1 - b.earlier) * t.packets as double)) as own_packets,
    sum(cast((1 - b.earlier) * t.volume as double)) as own_volume,
    sum(cast((1 - b.earlier) * t.answered_packets as double)) as own_answered,
    min(case when b.earlier = 0 and t.packets > 0 then t.first_ms end) as own_first_ms,
    max(case when b.earlier = 0 and t.packets > 0 then t.last_ms end) as own_last_ms
  from pair t join (select 0 as earlier union all select 1 as earlier) b on b.earlier >= 0
  group by t.line, t.block_start_ms + 600000 * b.earlier, t.network
), paired as (
  select *, sum(cast(own_volume as double)) over (partition by line, block_start_ms) as paired_sent,
    sum(cast(own_pairs as double)) over (partition by line, block_start_ms) as all_pairs,
    sum(cast(own_answered as double)) over (partition by line, block_start_ms) as paired_received,
    min(first_ms) over (partition by line, network) as network_from_ms
  from lately where own_pairs > 0
), counted as (
  select w.line, w.window_start_ms // 600000 * 600000 as block_start_ms,
    max(case when w.side = 0 then w.gre_packets else 0 end) / 10 as highest_pps,
    sum(cast(case when w.side = 0 then w.gre_packets else 0 end as double)) as sent,
    sum(cast(case when w.side = 1 then w.gre_packets else 0 end as double)) as received
  from line_window w group by w.line, w.window_start_ms // 600000 * 600000
), unmatched as (
  select c.line, c.block_start_ms, greatest(c.received - coalesce(a.packets, 0), 0) as packets
  from counted c left join (
    select line, block_start_ms, sum(cast(answered_packets as double)) as packets
    from pair group by line, block_start_ms
  ) a on a.line = c.line and a.block_start_ms = c.block_start_ms
), seen as (
  select line, min(first_ms) as seen_from_ms from line_target group by line
), rest as (
  select line, block_start_ms, records, first_ms as rest_from_ms, last_ms as rest_until_ms
  from line_target where protocol = -1
), left_out as (
  select n.line, n.network, n.block_start_ms, greatest(c.sent - n.paired_sent, 0) as left_out,
    least(greatest(c.sent - n.paired_sent, 0), coalesce(r.records * n.packets / nullif(n.records, 0), c.sent)) as alike,
    coalesce(r.rest_from_ms, n.block_start_ms) as rest_from_ms,
    coalesce(r.rest_until_ms, n.block_start_ms + 600000) as rest_until_ms
  from paired n
    join counted c on c.line = n.line and c.block_start_ms = n.block_start_ms
    left join rest r on r.line = n.line and r.block_start_ms = n.block_start_ms
), shape as (
  select n.*, c.sent, c.highest_pps, l.left_out, l.alike, l.rest_from_ms, l.rest_until_ms,
    l.alike * n.own_pairs / n.all_pairs as own_left_out,
    n.packets + l.alike * n.own_pairs / n.all_pairs as likely_packets,
    c.received - n.paired_received as unmatched_packets,
    greatest(c.received - n.paired_received, 0) + coalesce(u.packets, 0) as unmatched_lately,
    n.packets * 1000.0 / greatest(n.last_ms - n.first_ms, 10000) as mean_pps,
    n.sampled_packets * 1000.0 / greatest(n.last_ms - n.first_ms, 10000) as sampled_pps,
    n.network_from_ms - f.seen_from_ms as silent_before_ms
  from paired n
    join counted c on c.line = n.line and c.block_start_ms = n.block_start_ms
    join left_out l on l.line = n.line and l.network = n.network and l.block_start_ms = n.block_start_ms
    join seen f on f.line = n.line
    left join unmatched u on u.line = n.line and u.block_start_ms = n.block_start_ms - 600000
), flooded as (
  select s.line, s.network, s.block_start_ms,
    case when two_way = 1 and likely_packets >= 10 * pps_10s and answered_packets * packets_an_answer <= packets and sampled_packets * case when octets >= 1200 * packets then answers_bulk else answers_mixed end >= answers_missed
      and (records >= 3 * pairs or (unmatched_packets < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * own_packets and unmatched_lately < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * packets)) then pps_10s when two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled and targets >= one_way_targets then one_way_pps when two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled
      and octets >= 200 * packets and octets < 1000 * packets and silent_before_ms >= 1000 * silent_before_s then one_way_single_pps end as enough_10s, case when two_way = 1 and likely_packets >= 10 * pps_10s and answered_packets * packets_an_answer <= packets and sampled_packets * case when octets >= 1200 * packets then answers_bulk else answers_mixed end >= answers_missed
      and (records >= 3 * pairs or (unmatched_packets < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * own_packets and unmatched_lately < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * packets)) then pps_60s when two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled and targets >= one_way_targets then one_way_pps when two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled
      and octets >= 200 * packets and octets < 1000 * packets and silent_before_ms >= 1000 * silent_before_s then one_way_single_pps end as enough_60s,
    0 as lasting, 1 as acts
  from shape s join params p on p.line = s.line
  where s.packets > 0 and ((two_way = 1 and likely_packets >= 10 * pps_10s and answered_packets * packets_an_answer <= packets and sampled_packets * case when octets >= 1200 * packets then answers_bulk else answers_mixed end >= answers_missed
      and (records >= 3 * pairs or (unmatched_packets < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * own_packets and unmatched_lately < 0.5 * case when octets >= 1200 * packets then answers_bulk else answers_mixed end * packets))) or (two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled and targets >= one_way_targets) or (two_way = 0 and likely_packets >= 10 * pps_10s and sampled_packets >= one_way_sampled
      and octets >= 200 * packets and octets < 1000 * packets and silent_before_ms >= 1000 * silent_before_s))
), blocks as (
  select d.line, d.network, d.block_start_ms - 600000 * b.earlier as block_start_ms,
    min(d.enough_10s) as enough_10s, min(d.enough_60s) as enough_60s, min(d.lasting) as lasting, max(d.acts) as acts
  from flooded d join (select 0 as earlier union all select 1 as earlier) b on b.earlier >= 0
  group by d.line, d.network, d.block_start_ms - 600000 * b.earlier
), hit as (
  select s.*, k.enough_10s, k.enough_60s, k.lasting, k.acts from shape s
    join blocks k on k.line = s.line and k.network = s.network and k.block_start_ms = s.block_start_ms
  where s.packets > 0
)
select line, block_start_ms, case when network between 281470681743360 and 281474976710655 then 0 else network end as network_hi,
  case when network between 281470681743360 and 281474976710655 then network else 0 end as network_lo, case when network between 281470681743360 and 281474976710655 then 120 else 48 end as network_bits, 0 as port, protocol,
  own_volume + own_left_out as packets, targets
from hit;

