-- CONTEXT_SQL
SELECT
  line
FROM (
  SELECT
    exporter,
    line,
    ROW_NUMBER() OVER (PARTITION BY exporter ORDER BY line NULLS LAST) AS place
  FROM (
    SELECT
      exporter,
      src_line AS line,
      COUNT(DISTINCT end_ms DIV 10000) AS windows
    FROM flow_ms
    WHERE
      src_line > 0
    GROUP BY
      exporter,
      src_line
  ) AS seen
  WHERE
    windows >= 6
) AS ordered
WHERE
  place <= 600;

-- FLOW_MS_SQL
SELECT
  arrival AS arrival,
  received_at AS received_ms,
  flow_start AS start_ms,
  flow_end AS end_ms,
  exporter AS exporter,
  sampling_interval AS sampling_interval,
  src_hi AS src_hi,
  src_lo AS src_lo,
  dst_hi AS dst_hi,
  dst_lo AS dst_lo,
  src_port AS src_port,
  dst_port AS dst_port,
  protocol AS protocol,
  icmp_type_code AS icmp_type_code,
  tcp_flags AS tcp_flags,
  packets AS packets,
  octets AS octets,
  fragment AS fragment,
  forwarding_status AS forwarding_status,
  src_line AS src_line,
  dst_line AS dst_line,
  boundary AS boundary,
  src_inferred AS src_inferred,
  dst_inferred AS dst_inferred
FROM attributed;

-- LATE_SQL
SELECT
  COUNT(*) AS records
FROM attributed AS f
JOIN exporter_cap AS c
  ON c.exporter = f.exporter
WHERE
  f.boundary >= 0
  AND (
    f.src_line <> 0 OR f.dst_line <> 0
  )
  AND (
    LEAST(
      GREATEST(f.flow_start, LEAST(f.flow_end, f.received_at) - c.active_cap_ms),
      LEAST(f.flow_end, f.received_at)
    ) DIV 10000 + 1
  ) * 10000 + c.lateness_ms < f.received_at;

-- PRIMARY_SQL
SELECT
  line,
  side,
  boundary
FROM (
  SELECT
    line,
    side,
    boundary,
    ROW_NUMBER() OVER (PARTITION BY line, side ORDER BY octets DESC, boundary NULLS LAST) AS place
  FROM (
    SELECT
      line,
      side,
      boundary,
      CAST(SUM(octets) AS DOUBLE) AS octets
    FROM every_window
    GROUP BY
      line,
      side,
      boundary
  ) AS seen
) AS ordered
WHERE
  place = 1;

-- SLICED_SQL
SELECT
  s.number,
  t.*
FROM targets AS t
JOIN slices AS s
  ON s.line = t.line
  AND (
    s.slice = t.block_start_ms DIV 3600000
    OR s.slice = t.block_start_ms DIV 3600000 + 1
  );

-- SLICES_SQL
SELECT
  line,
  slice,
  ROW_NUMBER() OVER (ORDER BY line NULLS LAST, slice NULLS LAST) AS number
FROM (
  SELECT DISTINCT
    line,
    block_start_ms DIV 3600000 AS slice
  FROM targets
  UNION
  SELECT DISTINCT
    line,
    block_start_ms DIV 3600000 + 1 AS slice
  FROM targets
) AS each_slice;

-- TARGETS_SQL
SELECT
  t.*
FROM every_target AS t
JOIN primary_boundary AS b
  ON b.line = t.line AND b.side = 0 AND b.boundary = t.boundary
WHERE
  t.line > 0;

-- TOTALS_SQL
SELECT
  COUNT(*) AS records,
  MIN(received_at) AS first_ms,
  MAX(received_at) AS last_ms
FROM attributed;

-- UNATTRIBUTED_SQL
SELECT
  GREATEST(src_unattributed, dst_unattributed) AS reason,
  COUNT(*) AS records
FROM attributed
WHERE
  src_line = 0 AND dst_line = 0
GROUP BY
  GREATEST(src_unattributed, dst_unattributed);

-- WEAK_SQL
WITH pair AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    protocol,
    packets,
    sampled_packets,
    answered_packets,
    CASE
      WHEN (
        protocol = 17 AND answered_packets * 100 <= packets
      )
      OR (
        protocol = 6
        AND packets * 0.8 <= syn_packets
        AND answered_syn_ack_packets * 10 <= syn_packets
      )
      THEN packets
      ELSE 0
    END AS counted
  FROM line_target
  WHERE
    line > 0
    AND own_port = 0
    AND (
      (
        protocol = 17 AND port <> 53
      )
      OR (
        protocol = 6 AND packets * 0.8 <= syn_packets
      )
    )
), part AS (
  SELECT
    line,
    block_start_ms,
    network,
    protocol,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(answered_packets AS DOUBLE)) AS answered_packets,
    SUM(CAST(counted AS DOUBLE)) AS counted
  FROM pair
  GROUP BY
    line,
    block_start_ms,
    network,
    protocol
), joint AS (
  SELECT
    block_start_ms,
    network,
    protocol
  FROM part
  GROUP BY
    block_start_ms,
    network,
    protocol
  HAVING
    COUNT(CASE WHEN counted > 0 THEN 1 END) >= 8
    AND SUM(CAST(counted AS DOUBLE)) * 1000 >= 120000000
    AND (
      protocol = 6
      OR SUM(CAST(answered_packets AS DOUBLE)) + 2 * SQRT(
        SUM(CAST(answered_packets AS DOUBLE)) * SUM(CAST(packets AS DOUBLE)) / NULLIF(SUM(CAST(sampled_packets AS DOUBLE)), 0)
      ) <= 0.02 * SUM(CAST(packets AS DOUBLE))
    )
)
SELECT DISTINCT
  n.line
FROM (
  SELECT DISTINCT
    s.line
  FROM part AS s
  JOIN joint AS j
    ON j.block_start_ms = s.block_start_ms
    AND j.network = s.network
    AND j.protocol = s.protocol
) AS s
JOIN slices AS n
  ON n.number = s.line;

-- WINDOWS_SQL
SELECT
  w.line,
  w.boundary,
  w.side,
  w.window_start_ms,
  w.sampled_packets,
  w.packets,
  w.octets,
  w.packets_var,
  w.octets_var,
  w.udp_packets,
  w.udp_octets,
  w.dns_packets,
  w.dns_octets,
  w.reflector_packets,
  w.reflector_octets,
  w.fragment_packets,
  w.fragment_octets,
  w.tcp_packets,
  w.tcp_octets,
  w.syn_packets,
  w.syn_octets,
  w.login_packets,
  w.mail_packets,
  w.icmp_packets,
  w.icmp_octets,
  w.icmp_answer_packets,
  w.gre_packets,
  w.gre_octets,
  w.dropped_packets,
  w.unknown_sampling_packets,
  w.inferred_packets
FROM every_window AS w
JOIN primary_boundary AS b
  ON b.line = w.line AND b.side = w.side AND b.boundary = w.boundary
WHERE
  w.side = 0 AND w.line > 0;

