-- CONTEXT_SQL
select line from (
  select exporter, line, row_number() over (partition by exporter order by line) as place from (
    select exporter, src_line as line, count(distinct end_ms // 10000) as windows
    from flow_ms where src_line > 0 group by exporter, src_line
  ) seen where windows >= 6
) ordered where place <= 600;

-- FLOW_MS_SQL
select arrival as arrival, received_at as received_ms, flow_start as start_ms, flow_end as end_ms, exporter as exporter, sampling_interval as sampling_interval, src_hi as src_hi, src_lo as src_lo, dst_hi as dst_hi, dst_lo as dst_lo, src_port as src_port, dst_port as dst_port, protocol as protocol, icmp_type_code as icmp_type_code, tcp_flags as tcp_flags, packets as packets, octets as octets, fragment as fragment, forwarding_status as forwarding_status, src_line as src_line, dst_line as dst_line, boundary as boundary, src_inferred as src_inferred, dst_inferred as dst_inferred from attributed;

-- LATE_SQL
select count(*) as records from attributed f join exporter_cap c on c.exporter = f.exporter
where f.boundary >= 0 and (f.src_line <> 0 or f.dst_line <> 0)
  and (least(greatest(f.flow_start, least(f.flow_end, f.received_at) - c.active_cap_ms),
    least(f.flow_end, f.received_at)) // 10000 + 1) * 10000 + c.lateness_ms < f.received_at;

-- PRIMARY_SQL
select line, side, boundary from (
  select line, side, boundary, row_number() over (partition by line, side order by octets desc, boundary) as place
  from (
    select line, side, boundary, cast(sum(octets) as double) as octets
    from every_window group by line, side, boundary
  ) seen
) ordered where place = 1;

-- SLICED_SQL
select s.number, t.* from targets t
  join slices s on s.line = t.line
    and (s.slice = t.block_start_ms // 3600000 or s.slice = t.block_start_ms // 3600000 + 1);

-- SLICES_SQL
select line, slice, row_number() over (order by line, slice) as number from (
  select distinct line, block_start_ms // 3600000 as slice from targets
  union
  select distinct line, block_start_ms // 3600000 + 1 as slice from targets
) each_slice;

-- TARGETS_SQL
select t.* from every_target t join primary_boundary b on b.line = t.line and b.side = 0 and b.boundary = t.boundary
where t.line > 0;

-- TOTALS_SQL
select count(*) as records, min(received_at) as first_ms, max(received_at) as last_ms from attributed;

-- UNATTRIBUTED_SQL
select greatest(src_unattributed, dst_unattributed) as reason, count(*) as records
from attributed where src_line = 0 and dst_line = 0 group by greatest(src_unattributed, dst_unattributed);

-- WEAK_SQL
select distinct n.line from (
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
  on j.block_start_ms = s.block_start_ms and j.network = s.network and j.protocol = s.protocol) s join slices n on n.number = s.line;

-- WINDOWS_SQL
select w.line, w.boundary, w.side, w.window_start_ms, w.sampled_packets, w.packets, w.octets, w.packets_var, w.octets_var, w.udp_packets, w.udp_octets, w.dns_packets, w.dns_octets, w.reflector_packets, w.reflector_octets, w.fragment_packets, w.fragment_octets, w.tcp_packets, w.tcp_octets, w.syn_packets, w.syn_octets, w.login_packets, w.mail_packets, w.icmp_packets, w.icmp_octets, w.icmp_answer_packets, w.gre_packets, w.gre_octets, w.dropped_packets, w.unknown_sampling_packets, w.inferred_packets
from every_window w join primary_boundary b on b.line = w.line and b.side = w.side and b.boundary = w.boundary
where w.side = 0 and w.line > 0;

