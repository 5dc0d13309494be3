-- line_window
WITH bounded AS (
  SELECT
    f.*,
    c.active_cap_ms,
    c.lateness_ms,
    CASE WHEN f.sampling_interval = 0 THEN 1e0 ELSE f.sampling_interval END AS n,
    LEAST(f.end_ms, f.received_ms) AS last_ms
  FROM flow_ms AS f
  JOIN exporter_cap AS c
    ON f.exporter = c.exporter
  WHERE
    f.boundary >= 0
), spanned AS (
  SELECT
    *,
    LEAST(GREATEST(start_ms, last_ms - active_cap_ms), last_ms) AS first_ms
  FROM bounded
), seen_by AS (
  SELECT
    arrival,
    received_ms,
    first_ms,
    last_ms,
    lateness_ms,
    boundary,
    protocol,
    icmp_type_code,
    tcp_flags,
    forwarding_status,
    fragment,
    sampling_interval,
    n,
    CAST(packets AS DOUBLE) AS packets,
    CAST(octets AS DOUBLE) AS octets,
    0 AS side,
    src_line AS line,
    dst_hi AS peer_hi,
    dst_lo AS peer_lo,
    src_port AS own,
    dst_port AS peer,
    src_inferred AS inferred
  FROM spanned
  WHERE
    src_line <> 0
  UNION ALL
  SELECT
    arrival,
    received_ms,
    first_ms,
    last_ms,
    lateness_ms,
    boundary,
    protocol,
    icmp_type_code,
    tcp_flags,
    forwarding_status,
    fragment,
    sampling_interval,
    n,
    CAST(packets AS DOUBLE) AS packets,
    CAST(octets AS DOUBLE) AS octets,
    1 AS side,
    dst_line AS line,
    src_hi AS peer_hi,
    src_lo AS peer_lo,
    dst_port AS own,
    src_port AS peer,
    dst_inferred AS inferred
  FROM spanned
  WHERE
    dst_line <> 0
), side AS (
  SELECT
    *,
    CASE
      WHEN protocol = 17
      AND own IN (
        17,
        19,
        53,
        69,
        111,
        123,
        137,
        161,
        389,
        427,
        520,
        1434,
        1900,
        3283,
        3389,
        3702,
        5093,
        5353,
        5683,
        10001,
        11211,
        32414,
        37810
      )
      AND own <> peer
      THEN own
      ELSE 0
    END AS own_port,
    CASE
      WHEN protocol IN (1, 58)
      THEN CASE WHEN icmp_type_code < 0 THEN 65535 ELSE icmp_type_code END
      WHEN protocol = 17
      AND own IN (
        17,
        19,
        53,
        69,
        111,
        123,
        137,
        161,
        389,
        427,
        520,
        1434,
        1900,
        3283,
        3389,
        3702,
        5093,
        5353,
        5683,
        10001,
        11211,
        32414,
        37810
      )
      AND own <> peer
      THEN 0
      ELSE peer
    END AS peer_port,
    CASE WHEN icmp_type_code < 0 THEN 255 ELSE icmp_type_code DIV 256 END AS icmp_type
  FROM seen_by
), reach AS (
  SELECT
    *,
    GREATEST(first_ms DIV 10000, (
      received_ms - lateness_ms + 9999
    ) DIV 10000 - 1) AS first_number,
    CASE
      WHEN last_ms > first_ms
      THEN (
        last_ms - 1
      ) DIV 10000
      ELSE last_ms DIV 10000
    END AS last_number
  FROM side
), shares AS (
  SELECT
    *,
    (
      first_number + i
    ) * 10000 AS begins_ms,
    CASE
      WHEN last_ms = first_ms
      THEN 1e0
      ELSE (
        LEAST(last_ms, (
          first_number + i + 1
        ) * 10000) - GREATEST(first_ms, (
          first_number + i
        ) * 10000)
      ) / CAST(last_ms - first_ms AS DOUBLE)
    END AS share
  FROM reach
  JOIN step
    ON i <= last_number - first_number
)
SELECT
  line,
  boundary,
  side,
  begins_ms AS window_start_ms,
  CAST(SUM(packets * share) AS DOUBLE) AS sampled_packets,
  CAST(SUM(packets * n * share) AS DOUBLE) AS packets,
  CAST(SUM(octets * n * share) AS DOUBLE) AS octets,
  CAST(SUM(packets * share * n * (
    n - 1
  )) AS DOUBLE) AS packets_var,
  CAST(SUM(
    CASE
      WHEN packets > 0
      THEN (
        octets * 1.0 * octets / packets
      ) * share * n * (
        n - 1
      )
      ELSE 0e0
    END
  ) AS DOUBLE) AS octets_var,
  CAST(SUM(CASE WHEN protocol = 17 THEN packets * n * share ELSE 0e0 END) AS DOUBLE) AS udp_packets,
  CAST(SUM(CASE WHEN protocol = 17 THEN octets * n * share ELSE 0e0 END) AS DOUBLE) AS udp_octets,
  CAST(SUM(CASE WHEN protocol = 17 AND peer_port = 53 THEN packets * n * share ELSE 0e0 END) AS DOUBLE) AS dns_packets,
  CAST(SUM(CASE WHEN protocol = 17 AND peer_port = 53 THEN octets * n * share ELSE 0e0 END) AS DOUBLE) AS dns_octets,
  CAST(SUM(
    CASE
      WHEN protocol = 17
      AND own_port IN (
        17,
        19,
        53,
        69,
        111,
        123,
        137,
        161,
        389,
        427,
        520,
        1434,
        1900,
        3283,
        3389,
        3702,
        5093,
        5353,
        5683,
        10001,
        11211,
        32414,
        37810
      )
      AND own_port <> peer_port
      THEN packets * n * share
      ELSE 0e0
    END
  ) AS DOUBLE) AS reflector_packets,
  CAST(SUM(
    CASE
      WHEN protocol = 17
      AND own_port IN (
        17,
        19,
        53,
        69,
        111,
        123,
        137,
        161,
        389,
        427,
        520,
        1434,
        1900,
        3283,
        3389,
        3702,
        5093,
        5353,
        5683,
        10001,
        11211,
        32414,
        37810
      )
      AND own_port <> peer_port
      THEN octets * n * share
      ELSE 0e0
    END
  ) AS DOUBLE) AS reflector_octets,
  CAST(SUM(CASE WHEN fragment = 1 THEN packets * n * share ELSE 0e0 END) AS DOUBLE) AS fragment_packets,
  CAST(SUM(CASE WHEN fragment = 1 THEN octets * n * share ELSE 0e0 END) AS DOUBLE) AS fragment_octets,
  CAST(SUM(CASE WHEN protocol = 6 THEN packets * n * share ELSE 0e0 END) AS DOUBLE) AS tcp_packets,
  CAST(SUM(CASE WHEN protocol = 6 THEN octets * n * share ELSE 0e0 END) AS DOUBLE) AS tcp_octets,
  CAST(SUM(
    CASE
      WHEN protocol = 6 AND (
        tcp_flags & 23
      ) = 2
      THEN packets * n * share
      ELSE 0e0
    END
  ) AS DOUBLE) AS syn_packets,
  CAST(SUM(
    CASE
      WHEN protocol = 6 AND (
        tcp_flags & 23
      ) = 2
      THEN octets * n * share
      ELSE 0e0
    END
  ) AS DOUBLE) AS syn_octets,
  CAST(SUM(
    CASE
      WHEN protocol = 6
      AND peer_port IN (
        21,
        22,
        23,
        110,
        143,
        445,
        465,
        587,
        993,
        995,
        1433,
        2222,
        2323,
        3306,
        3389,
        5432,
        5900
      )
      THEN packets * n * share
      ELSE 0e0
    END
  ) AS DOUBLE) AS login_packets,
  CAST(SUM(CASE WHEN protocol = 6 AND peer_port = 25 THEN packets * n * share ELSE 0e0 END) AS DOUBLE) AS mail_packets,
  CAST(SUM(CASE WHEN protocol IN (1, 58) THEN packets * n * share ELSE 0e0 END) AS DOUBLE) AS icmp_packets,
  CAST(SUM(CASE WHEN protocol IN (1, 58) THEN octets * n * share ELSE 0e0 END) AS DOUBLE) AS icmp_octets,
  CAST(SUM(
    CASE
      WHEN (
        protocol = 1 AND icmp_type IN (0, 3, 4, 5, 11, 12)
      )
      OR (
        protocol = 58 AND icmp_type IN (1, 2, 3, 4, 129)
      )
      THEN packets * n * share
      ELSE 0e0
    END
  ) AS DOUBLE) AS icmp_answer_packets,
  CAST(SUM(CASE WHEN protocol = 47 THEN packets * n * share ELSE 0e0 END) AS DOUBLE) AS gre_packets,
  CAST(SUM(CASE WHEN protocol = 47 THEN octets * n * share ELSE 0e0 END) AS DOUBLE) AS gre_octets,
  CAST(SUM(
    CASE
      WHEN forwarding_status BETWEEN 128 AND 191
      THEN packets * n * share
      ELSE 0e0
    END
  ) AS DOUBLE) AS dropped_packets,
  CAST(SUM(CASE WHEN sampling_interval = 0 THEN packets * share ELSE 0e0 END) AS DOUBLE) AS unknown_sampling_packets,
  CAST(SUM(CASE WHEN inferred = 1 THEN packets * n * share ELSE 0e0 END) AS DOUBLE) AS inferred_packets
FROM shares
GROUP BY
  line,
  boundary,
  side,
  begins_ms;

-- line_target
WITH bounded AS (
  SELECT
    f.*,
    c.active_cap_ms,
    c.lateness_ms,
    CASE WHEN f.sampling_interval = 0 THEN 1e0 ELSE f.sampling_interval END AS n,
    LEAST(f.end_ms, f.received_ms) AS last_ms
  FROM flow_ms AS f
  JOIN exporter_cap AS c
    ON f.exporter = c.exporter
  WHERE
    f.boundary >= 0
), spanned AS (
  SELECT
    *,
    LEAST(GREATEST(start_ms, last_ms - active_cap_ms), last_ms) AS first_ms
  FROM bounded
), seen_by AS (
  SELECT
    arrival,
    received_ms,
    first_ms,
    last_ms,
    lateness_ms,
    boundary,
    protocol,
    icmp_type_code,
    tcp_flags,
    forwarding_status,
    fragment,
    sampling_interval,
    n,
    CAST(packets AS DOUBLE) AS packets,
    CAST(octets AS DOUBLE) AS octets,
    0 AS side,
    src_line AS line,
    dst_hi AS peer_hi,
    dst_lo AS peer_lo,
    src_port AS own,
    dst_port AS peer,
    src_inferred AS inferred
  FROM spanned
  WHERE
    src_line <> 0
  UNION ALL
  SELECT
    arrival,
    received_ms,
    first_ms,
    last_ms,
    lateness_ms,
    boundary,
    protocol,
    icmp_type_code,
    tcp_flags,
    forwarding_status,
    fragment,
    sampling_interval,
    n,
    CAST(packets AS DOUBLE) AS packets,
    CAST(octets AS DOUBLE) AS octets,
    1 AS side,
    dst_line AS line,
    src_hi AS peer_hi,
    src_lo AS peer_lo,
    dst_port AS own,
    src_port AS peer,
    dst_inferred AS inferred
  FROM spanned
  WHERE
    dst_line <> 0
), side AS (
  SELECT
    *,
    CASE
      WHEN protocol = 17
      AND own IN (
        17,
        19,
        53,
        69,
        111,
        123,
        137,
        161,
        389,
        427,
        520,
        1434,
        1900,
        3283,
        3389,
        3702,
        5093,
        5353,
        5683,
        10001,
        11211,
        32414,
        37810
      )
      AND own <> peer
      THEN own
      ELSE 0
    END AS own_port,
    CASE
      WHEN protocol IN (1, 58)
      THEN CASE WHEN icmp_type_code < 0 THEN 65535 ELSE icmp_type_code END
      WHEN protocol = 17
      AND own IN (
        17,
        19,
        53,
        69,
        111,
        123,
        137,
        161,
        389,
        427,
        520,
        1434,
        1900,
        3283,
        3389,
        3702,
        5093,
        5353,
        5683,
        10001,
        11211,
        32414,
        37810
      )
      AND own <> peer
      THEN 0
      ELSE peer
    END AS peer_port,
    CASE WHEN icmp_type_code < 0 THEN 255 ELSE icmp_type_code DIV 256 END AS icmp_type
  FROM seen_by
), reach AS (
  SELECT
    *,
    GREATEST(first_ms DIV 600000, (
      received_ms - lateness_ms + 599999
    ) DIV 600000 - 1) AS first_number,
    CASE
      WHEN last_ms > first_ms
      THEN (
        last_ms - 1
      ) DIV 600000
      ELSE last_ms DIV 600000
    END AS last_number
  FROM side
), shares AS (
  SELECT
    *,
    (
      first_number + i
    ) * 600000 AS begins_ms,
    CASE
      WHEN last_ms = first_ms
      THEN 1e0
      ELSE (
        LEAST(last_ms, (
          first_number + i + 1
        ) * 600000) - GREATEST(first_ms, (
          first_number + i
        ) * 600000)
      ) / CAST(last_ms - first_ms AS DOUBLE)
    END AS share
  FROM reach
  JOIN step
    ON i <= last_number - first_number
), pair AS (
  SELECT
    line,
    boundary,
    begins_ms,
    peer_hi,
    peer_lo,
    peer_port,
    own_port,
    protocol,
    MIN(arrival) AS first_arrival,
    MIN(received_ms) AS first_received_ms,
    MIN(GREATEST(first_ms, begins_ms)) AS first_ms,
    MAX(LEAST(last_ms, begins_ms + 600000)) AS last_ms,
    CAST(SUM(share) AS DOUBLE) AS records,
    CAST(SUM(packets * share) AS DOUBLE) AS sampled_packets,
    CAST(SUM(packets * n * share) AS DOUBLE) AS packets,
    CAST(SUM(octets * n * share) AS DOUBLE) AS octets,
    CAST(SUM(
      CASE
        WHEN protocol = 6 AND (
          tcp_flags & 23
        ) = 2
        THEN packets * n * share
        ELSE 0e0
      END
    ) AS DOUBLE) AS syn_packets,
    CAST(SUM(
      CASE
        WHEN protocol = 6 AND (
          tcp_flags & 23
        ) = 2
        THEN packets * share
        ELSE 0e0
      END
    ) AS DOUBLE) AS syn_sampled_packets,
    CAST(SUM(
      CASE
        WHEN protocol = 6 AND (
          tcp_flags & 23
        ) = 2
        THEN packets
        WHEN protocol = 6 AND (
          tcp_flags & 2
        ) = 2 AND (
          tcp_flags & 31
        ) <> 18
        THEN LEAST(packets, 1e0)
        ELSE 0e0
      END * n * share
    ) AS DOUBLE) AS connections,
    CAST(SUM(
      CASE
        WHEN protocol = 6 AND (
          tcp_flags & 15
        ) = 4
        THEN packets * n * share
        ELSE 0e0
      END
    ) AS DOUBLE) AS reset_packets,
    CAST(SUM(CASE WHEN fragment = 1 THEN packets * n * share ELSE 0e0 END) AS DOUBLE) AS fragment_packets
  FROM shares
  WHERE
    side = 0
  GROUP BY
    line,
    boundary,
    begins_ms,
    peer_hi,
    peer_lo,
    peer_port,
    own_port,
    protocol
), numbered AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY line, boundary, begins_ms ORDER BY first_arrival NULLS LAST) AS place
  FROM pair
), kept AS (
  SELECT
    *
  FROM numbered
  WHERE
    place <= 1024
), rest AS (
  SELECT
    line,
    boundary,
    begins_ms,
    MIN(first_ms) AS first_ms,
    MAX(last_ms) AS last_ms,
    CAST(SUM(records) AS DOUBLE) AS records,
    CAST(SUM(sampled_packets) AS DOUBLE) AS sampled_packets,
    CAST(SUM(packets) AS DOUBLE) AS packets,
    CAST(SUM(octets) AS DOUBLE) AS octets,
    CAST(SUM(syn_packets) AS DOUBLE) AS syn_packets,
    CAST(SUM(syn_sampled_packets) AS DOUBLE) AS syn_sampled_packets,
    CAST(SUM(connections) AS DOUBLE) AS connections,
    CAST(SUM(reset_packets) AS DOUBLE) AS reset_packets,
    CAST(SUM(fragment_packets) AS DOUBLE) AS fragment_packets
  FROM numbered
  WHERE
    place > 1024
  GROUP BY
    line,
    boundary,
    begins_ms
), candidate AS (
  SELECT
    a.arrival,
    a.boundary AS seen_at,
    a.packets * a.n * a.share AS packets,
    a.octets * a.n * a.share AS octets,
    CASE WHEN a.protocol = 6 AND (
      a.tcp_flags & 18
    ) = 18 THEN 1e0 ELSE 0e0 END AS syn_ack,
    CASE WHEN a.protocol = 6 AND (
      a.tcp_flags & 15
    ) = 4 THEN 1e0 ELSE 0e0 END AS reset,
    k.line,
    k.boundary,
    k.begins_ms,
    k.peer_hi,
    k.peer_lo,
    k.peer_port,
    k.own_port,
    k.protocol,
    MAX(CASE WHEN k.boundary = a.boundary THEN 1 ELSE 0 END) OVER (PARTITION BY a.arrival, a.begins_ms) AS has_own
  FROM shares AS a
  JOIN kept AS k
    ON a.line = k.line
    AND a.begins_ms = k.begins_ms
    AND a.peer_hi = k.peer_hi
    AND a.peer_lo = k.peer_lo
    AND a.peer_port = k.peer_port
    AND a.own_port = k.own_port
    AND a.protocol = k.protocol
    AND k.first_received_ms <= a.received_ms + 2000
  WHERE
    a.side = 1
), answered AS (
  SELECT
    line,
    boundary,
    begins_ms,
    peer_hi,
    peer_lo,
    peer_port,
    own_port,
    protocol,
    CAST(SUM(packets) AS DOUBLE) AS answered_packets,
    CAST(SUM(packets * syn_ack) AS DOUBLE) AS answered_syn_ack_packets,
    CAST(SUM(packets * reset) AS DOUBLE) AS answered_reset_packets,
    CAST(SUM(octets) AS DOUBLE) AS answered_octets
  FROM candidate
  WHERE
    boundary = seen_at OR has_own = 0
  GROUP BY
    line,
    boundary,
    begins_ms,
    peer_hi,
    peer_lo,
    peer_port,
    own_port,
    protocol
)
SELECT
  k.line,
  k.boundary,
  k.begins_ms AS block_start_ms,
  k.peer_hi AS target_hi,
  k.peer_lo AS target_lo,
  k.peer_port AS port,
  k.own_port,
  k.protocol,
  k.records,
  k.sampled_packets,
  k.packets,
  k.octets,
  k.syn_packets,
  k.syn_sampled_packets,
  k.connections,
  k.reset_packets,
  k.fragment_packets,
  COALESCE(a.answered_packets, 0e0) AS answered_packets,
  COALESCE(a.answered_syn_ack_packets, 0e0) AS answered_syn_ack_packets,
  COALESCE(a.answered_reset_packets, 0e0) AS answered_reset_packets,
  COALESCE(a.answered_octets, 0e0) AS answered_octets,
  k.first_ms,
  k.last_ms
FROM kept AS k
LEFT JOIN answered AS a
  ON k.line = a.line
  AND k.boundary = a.boundary
  AND k.begins_ms = a.begins_ms
  AND k.peer_hi = a.peer_hi
  AND k.peer_lo = a.peer_lo
  AND k.peer_port = a.peer_port
  AND k.own_port = a.own_port
  AND k.protocol = a.protocol
UNION ALL
SELECT
  line,
  boundary,
  begins_ms,
  0,
  0,
  -1,
  0,
  -1,
  records,
  sampled_packets,
  packets,
  octets,
  syn_packets,
  syn_sampled_packets,
  connections,
  reset_packets,
  fragment_packets,
  0e0,
  0e0,
  0e0,
  0e0,
  first_ms,
  last_ms
FROM rest;

