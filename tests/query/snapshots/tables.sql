-- line_window
with 
bounded as (
  select
    f.*, c.active_cap_ms, c.lateness_ms,
    case when f.sampling_interval = 0 then 1e0 else f.sampling_interval end as n,
    least(f.end_ms, f.received_ms) as last_ms
  from flow_ms f join exporter_cap c on f.exporter = c.exporter
  where f.boundary >= 0
),
spanned as (
  select *, least(greatest(start_ms, last_ms - active_cap_ms), last_ms) as first_ms from bounded
),
seen_by as (
  select
    arrival, received_ms, first_ms, last_ms, lateness_ms, boundary, protocol, icmp_type_code, tcp_flags, forwarding_status, fragment, sampling_interval, n, cast(packets as double) as packets, cast(octets as double) as octets,
    0 as side, src_line as line, dst_hi as peer_hi, dst_lo as peer_lo, src_port as own, dst_port as peer,
    src_inferred as inferred
  from spanned where src_line <> 0
  union all
  select
    arrival, received_ms, first_ms, last_ms, lateness_ms, boundary, protocol, icmp_type_code, tcp_flags, forwarding_status, fragment, sampling_interval, n, cast(packets as double) as packets, cast(octets as double) as octets,
    1 as side, dst_line as line, src_hi as peer_hi, src_lo as peer_lo, dst_port as own, src_port as peer,
    dst_inferred as inferred
  from spanned where dst_line <> 0
),
side as (
  select *,
    case when protocol = 17 and own in (17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 520, 1434, 1900, 3283, 3389, 3702, 5093, 5353, 5683, 10001, 11211, 32414, 37810) and own <> peer then own else 0 end as own_port,
    case when protocol in (1, 58) then case when icmp_type_code < 0 then 65535 else icmp_type_code end
      when protocol = 17 and own in (17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 520, 1434, 1900, 3283, 3389, 3702, 5093, 5353, 5683, 10001, 11211, 32414, 37810) and own <> peer then 0 else peer end as peer_port,
    case when icmp_type_code < 0 then 255 else icmp_type_code // 256 end as icmp_type
  from seen_by
),

reach as (
  select
    *,
    greatest(
      first_ms // 10000,
      (received_ms - lateness_ms + 9999) // 10000 - 1
    ) as first_number,
    case when last_ms > first_ms then (last_ms - 1) // 10000 else last_ms // 10000 end as last_number
  from side
),
shares as (
  select
    *,
    (first_number + i) * 10000 as begins_ms,
    case
      when last_ms = first_ms then 1e0
      else (
        least(last_ms, (first_number + i + 1) * 10000) - greatest(first_ms, (first_number + i) * 10000)
      ) / cast(last_ms - first_ms as double)
    end as share
  from reach join step on i <= last_number - first_number
)
select
  line, boundary, side, begins_ms as window_start_ms,
    cast(sum(packets * share) as double) as sampled_packets,
    cast(sum(packets * n * share) as double) as packets,
    cast(sum(octets * n * share) as double) as octets,
    cast(sum(packets * share * n * (n - 1)) as double) as packets_var,
    cast(sum(case when packets > 0 then (octets * 1.0 * octets / packets) * share * n * (n - 1) else 0e0 end) as double) as octets_var,
    cast(sum(case when protocol = 17 then packets * n * share else 0e0 end) as double) as udp_packets,
    cast(sum(case when protocol = 17 then octets * n * share else 0e0 end) as double) as udp_octets,
    cast(sum(case when protocol = 17 and peer_port = 53 then packets * n * share else 0e0 end) as double) as dns_packets,
    cast(sum(case when protocol = 17 and peer_port = 53 then octets * n * share else 0e0 end) as double) as dns_octets,
    cast(sum(case when protocol = 17 and own_port in (17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 520, 1434, 1900, 3283, 3389, 3702, 5093, 5353, 5683, 10001, 11211, 32414, 37810) and own_port <> peer_port then packets * n * share else 0e0 end) as double) as reflector_packets,
    cast(sum(case when protocol = 17 and own_port in (17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 520, 1434, 1900, 3283, 3389, 3702, 5093, 5353, 5683, 10001, 11211, 32414, 37810) and own_port <> peer_port then octets * n * share else 0e0 end) as double) as reflector_octets,
    cast(sum(case when fragment = 1 then packets * n * share else 0e0 end) as double) as fragment_packets,
    cast(sum(case when fragment = 1 then octets * n * share else 0e0 end) as double) as fragment_octets,
    cast(sum(case when protocol = 6 then packets * n * share else 0e0 end) as double) as tcp_packets,
    cast(sum(case when protocol = 6 then octets * n * share else 0e0 end) as double) as tcp_octets,
    cast(sum(case when protocol = 6 and (tcp_flags & 23) = 2 then packets * n * share else 0e0 end) as double) as syn_packets,
    cast(sum(case when protocol = 6 and (tcp_flags & 23) = 2 then octets * n * share else 0e0 end) as double) as syn_octets,
    cast(sum(case when protocol = 6 and peer_port in (21, 22, 23, 110, 143, 445, 465, 587, 993, 995, 1433, 2222, 2323, 3306, 3389, 5432, 5900) then packets * n * share else 0e0 end) as double) as login_packets,
    cast(sum(case when protocol = 6 and peer_port = 25 then packets * n * share else 0e0 end) as double) as mail_packets,
    cast(sum(case when protocol in (1, 58) then packets * n * share else 0e0 end) as double) as icmp_packets,
    cast(sum(case when protocol in (1, 58) then octets * n * share else 0e0 end) as double) as icmp_octets,
    cast(sum(case when (protocol = 1 and icmp_type in (0, 3, 4, 5, 11, 12)) or (protocol = 58 and icmp_type in (1, 2, 3, 4, 129)) then packets * n * share else 0e0 end) as double) as icmp_answer_packets,
    cast(sum(case when protocol = 47 then packets * n * share else 0e0 end) as double) as gre_packets,
    cast(sum(case when protocol = 47 then octets * n * share else 0e0 end) as double) as gre_octets,
    cast(sum(case when forwarding_status between 128 and 191 then packets * n * share else 0e0 end) as double) as dropped_packets,
    cast(sum(case when sampling_interval = 0 then packets * share else 0e0 end) as double) as unknown_sampling_packets,
    cast(sum(case when inferred = 1 then packets * n * share else 0e0 end) as double) as inferred_packets
from shares
group by line, boundary, side, begins_ms;

-- line_target
with 
bounded as (
  select
    f.*, c.active_cap_ms, c.lateness_ms,
    case when f.sampling_interval = 0 then 1e0 else f.sampling_interval end as n,
    least(f.end_ms, f.received_ms) as last_ms
  from flow_ms f join exporter_cap c on f.exporter = c.exporter
  where f.boundary >= 0
),
spanned as (
  select *, least(greatest(start_ms, last_ms - active_cap_ms), last_ms) as first_ms from bounded
),
seen_by as (
  select
    arrival, received_ms, first_ms, last_ms, lateness_ms, boundary, protocol, icmp_type_code, tcp_flags, forwarding_status, fragment, sampling_interval, n, cast(packets as double) as packets, cast(octets as double) as octets,
    0 as side, src_line as line, dst_hi as peer_hi, dst_lo as peer_lo, src_port as own, dst_port as peer,
    src_inferred as inferred
  from spanned where src_line <> 0
  union all
  select
    arrival, received_ms, first_ms, last_ms, lateness_ms, boundary, protocol, icmp_type_code, tcp_flags, forwarding_status, fragment, sampling_interval, n, cast(packets as double) as packets, cast(octets as double) as octets,
    1 as side, dst_line as line, src_hi as peer_hi, src_lo as peer_lo, dst_port as own, src_port as peer,
    dst_inferred as inferred
  from spanned where dst_line <> 0
),
side as (
  select *,
    case when protocol = 17 and own in (17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 520, 1434, 1900, 3283, 3389, 3702, 5093, 5353, 5683, 10001, 11211, 32414, 37810) and own <> peer then own else 0 end as own_port,
    case when protocol in (1, 58) then case when icmp_type_code < 0 then 65535 else icmp_type_code end
      when protocol = 17 and own in (17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 520, 1434, 1900, 3283, 3389, 3702, 5093, 5353, 5683, 10001, 11211, 32414, 37810) and own <> peer then 0 else peer end as peer_port,
    case when icmp_type_code < 0 then 255 else icmp_type_code // 256 end as icmp_type
  from seen_by
),

reach as (
  select
    *,
    greatest(
      first_ms // 600000,
      (received_ms - lateness_ms + 599999) // 600000 - 1
    ) as first_number,
    case when last_ms > first_ms then (last_ms - 1) // 600000 else last_ms // 600000 end as last_number
  from side
),
shares as (
  select
    *,
    (first_number + i) * 600000 as begins_ms,
    case
      when last_ms = first_ms then 1e0
      else (
        least(last_ms, (first_number + i + 1) * 600000) - greatest(first_ms, (first_number + i) * 600000)
      ) / cast(last_ms - first_ms as double)
    end as share
  from reach join step on i <= last_number - first_number
),
pair as (
  select
    line, boundary, begins_ms, peer_hi, peer_lo, peer_port, own_port, protocol,
    min(arrival) as first_arrival, min(received_ms) as first_received_ms,
    min(greatest(first_ms, begins_ms)) as first_ms, max(least(last_ms, begins_ms + 600000)) as last_ms,
    cast(sum(share) as double) as records,
    cast(sum(packets * share) as double) as sampled_packets,
    cast(sum(packets * n * share) as double) as packets,
    cast(sum(octets * n * share) as double) as octets,
    cast(sum(case when protocol = 6 and (tcp_flags & 23) = 2 then packets * n * share else 0e0 end) as double) as syn_packets,
    cast(sum(case when protocol = 6 and (tcp_flags & 23) = 2 then packets * share else 0e0 end) as double) as syn_sampled_packets,
    cast(sum(case when protocol = 6 and (tcp_flags & 23) = 2 then packets
      when protocol = 6 and (tcp_flags & 2) = 2 and (tcp_flags & 31) <> 18 then least(packets, 1e0)
      else 0e0 end * n * share) as double) as connections,
    cast(sum(case when protocol = 6 and (tcp_flags & 15) = 4 then packets * n * share else 0e0 end) as double) as reset_packets,
    cast(sum(case when fragment = 1 then packets * n * share else 0e0 end) as double) as fragment_packets
  from shares where side = 0
  group by line, boundary, begins_ms, peer_hi, peer_lo, peer_port, own_port, protocol
),
numbered as (
  select *, row_number() over (partition by line, boundary, begins_ms order by first_arrival) as place from pair
),
kept as (
  select * from numbered where place <= 1024
),
rest as (
  select
    line, boundary, begins_ms, min(first_ms) as first_ms, max(last_ms) as last_ms,
    cast(sum(records) as double) as records,
    cast(sum(sampled_packets) as double) as sampled_packets,
    cast(sum(packets) as double) as packets,
    cast(sum(octets) as double) as octets,
    cast(sum(syn_packets) as double) as syn_packets,
    cast(sum(syn_sampled_packets) as double) as syn_sampled_packets,
    cast(sum(connections) as double) as connections,
    cast(sum(reset_packets) as double) as reset_packets,
    cast(sum(fragment_packets) as double) as fragment_packets
  from numbered where place > 1024
  group by line, boundary, begins_ms
),
candidate as (
  select
    a.arrival, a.boundary as seen_at, a.packets * a.n * a.share as packets, a.octets * a.n * a.share as octets,
    case when a.protocol = 6 and (a.tcp_flags & 18) = 18 then 1e0 else 0e0 end as syn_ack,
    case when a.protocol = 6 and (a.tcp_flags & 15) = 4 then 1e0 else 0e0 end as reset,
    k.line, k.boundary, k.begins_ms, k.peer_hi, k.peer_lo, k.peer_port, k.own_port, k.protocol,
    max(case when k.boundary = a.boundary then 1 else 0 end) over (partition by a.arrival, a.begins_ms) as has_own
  from shares a join kept k
    on a.line = k.line and a.begins_ms = k.begins_ms and a.peer_hi = k.peer_hi and a.peer_lo = k.peer_lo
    and a.peer_port = k.peer_port and a.own_port = k.own_port and a.protocol = k.protocol
    and k.first_received_ms <= a.received_ms + 2000
  where a.side = 1
),
answered as (
  select
    line, boundary, begins_ms, peer_hi, peer_lo, peer_port, own_port, protocol, cast(sum(packets) as double) as answered_packets,
    cast(sum(packets * syn_ack) as double) as answered_syn_ack_packets,
    cast(sum(packets * reset) as double) as answered_reset_packets,
    cast(sum(octets) as double) as answered_octets
  from candidate where boundary = seen_at or has_own = 0
  group by line, boundary, begins_ms, peer_hi, peer_lo, peer_port, own_port, protocol
)
select
  k.line, k.boundary, k.begins_ms as block_start_ms, k.peer_hi as target_hi, k.peer_lo as target_lo,
  k.peer_port as port, k.own_port, k.protocol, k.records, k.sampled_packets, k.packets, k.octets, k.syn_packets, k.syn_sampled_packets, k.connections, k.reset_packets, k.fragment_packets,
  coalesce(a.answered_packets, 0e0) as answered_packets, coalesce(a.answered_syn_ack_packets, 0e0) as answered_syn_ack_packets, coalesce(a.answered_reset_packets, 0e0) as answered_reset_packets, coalesce(a.answered_octets, 0e0) as answered_octets,
  k.first_ms, k.last_ms
from kept k left join answered a
  on k.line = a.line and k.boundary = a.boundary and k.begins_ms = a.begins_ms and k.peer_hi = a.peer_hi
  and k.peer_lo = a.peer_lo and k.peer_port = a.peer_port and k.own_port = a.own_port and k.protocol = a.protocol
union all
select
  line, boundary, begins_ms, 0, 0, -1, 0, -1, records, sampled_packets, packets, octets, syn_packets, syn_sampled_packets, connections, reset_packets, fragment_packets,
  0e0, 0e0, 0e0, 0e0, first_ms, last_ms
from rest;

