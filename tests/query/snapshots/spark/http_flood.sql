-- screen
SELECT
  (
    tcp_packets >= 30 * 50
  ) AS http_flood
FROM line_window;

-- suspects
SELECT
  line
FROM line_target
WHERE
  protocol = 6
  AND NOT port IN (
    25,
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
GROUP BY
  line,
  block_start_ms,
  CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
HAVING
  SUM(CAST(connections AS DOUBLE)) >= 100
  AND SUM(CAST(connections AS DOUBLE)) * 40 >= SUM(CAST(packets AS DOUBLE))
  AND SUM(CAST(packets AS DOUBLE)) >= 30 * 100
  AND SUM(CAST(sampled_packets AS DOUBLE)) >= 20;

-- candidates
WITH door AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    CASE
      WHEN port IN (
        25,
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
      THEN port
      ELSE 0
    END AS door,
    MAX_BY(port, packets * 65536 + port) AS port,
    GREATEST(COUNT(DISTINCT target_lo), COUNT(DISTINCT target_hi)) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(octets AS DOUBLE)) AS octets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(syn_packets AS DOUBLE)) AS syn_packets,
    SUM(CAST(connections AS DOUBLE)) AS connections,
    SUM(CAST(answered_packets AS DOUBLE)) AS answered_packets,
    SUM(CAST(answered_reset_packets AS DOUBLE)) AS refused_packets,
    MIN(first_ms) AS first_ms,
    MAX(last_ms) AS last_ms
  FROM line_target
  WHERE
    protocol = 6
  GROUP BY
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END,
    CASE
      WHEN port IN (
        25,
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
      THEN port
      ELSE 0
    END
), estimated AS (
  SELECT
    d.*,
    d.connections * d.sampled_packets / d.packets AS connections_seen,
    CASE
      WHEN d.packets < 1.5 * d.sampled_packets
      THEN d.connections
      ELSE GREATEST(
        d.connections - 2 * SQRT(d.connections * d.packets / d.sampled_packets),
        CASE
          WHEN d.records >= p.separate * d.sampled_packets
          THEN d.packets / p.packets_most
          ELSE 0
        END
      )
    END AS likely_connections
  FROM door AS d
  JOIN params AS p
    ON p.line = d.line
  WHERE
    d.packets > 0
), marked AS (
  SELECT
    e.*,
    p.two_way,
    CASE
      WHEN e.door = 0
      AND e.sampled_packets >= p.sampled
      AND e.connections_seen >= p.connections_seen
      AND e.packets <= p.packets_most * e.connections
      AND e.syn_packets <= p.syn_share * e.packets
      AND e.octets <= p.octets_most * e.likely_connections
      AND (
        p.two_way = 0
        OR (
          e.answered_packets >= p.answered * e.packets
          AND e.refused_packets <= p.refused * e.answered_packets
        )
      )
      AND e.likely_connections >= 10 * p.connections_10s
      AND e.likely_connections * 1000.0 >= p.sustain * p.connections_60s * (
        e.last_ms - e.first_ms
      )
      THEN 1
      ELSE 0
    END AS flooded
  FROM estimated AS e
  JOIN params AS p
    ON p.line = e.line
), evidence AS (
  SELECT
    line,
    block_start_ms,
    SUM(CAST(targets AS DOUBLE)) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(octets AS DOUBLE)) AS octets,
    SUM(CAST(sampled_packets AS DOUBLE)) AS block_sampled_packets,
    SUM(CAST(likely_connections AS DOUBLE)) AS connections,
    SUM(CAST(answered_packets AS DOUBLE)) AS answered_packets,
    MAX_BY(port, packets * 65536 + port) AS main_port,
    GREATEST(MAX(last_ms) - MIN(first_ms), 10000) AS lasted_ms
  FROM marked
  WHERE
    flooded = 1
  GROUP BY
    line,
    block_start_ms
), paired AS (
  SELECT
    line,
    block_start_ms,
    SUM(CAST(packets AS DOUBLE)) AS packets
  FROM marked
  GROUP BY
    line,
    block_start_ms
), counted AS (
  SELECT
    line,
    window_start_ms DIV 600000 * 600000 AS block_start_ms,
    SUM(CAST(tcp_packets AS DOUBLE)) AS packets
  FROM line_window
  WHERE
    side = 0
  GROUP BY
    line,
    window_start_ms DIV 600000 * 600000
), spread AS (
  SELECT
    w.line,
    w.window_start_ms,
    m.flooded,
    m.packets * (
      LEAST(m.last_ms + 1, w.window_start_ms + 10000) - GREATEST(m.first_ms, w.window_start_ms)
    ) / (
      m.last_ms + 1 - m.first_ms
    ) AS packets
  FROM line_window AS w
  JOIN marked AS m
    ON m.line = w.line
    AND m.first_ms < w.window_start_ms + 10000
    AND m.last_ms >= w.window_start_ms
    AND m.block_start_ms = w.window_start_ms DIV 600000 * 600000
  WHERE
    w.side = 0
), share AS (
  SELECT
    line,
    window_start_ms,
    SUM(CAST(CASE WHEN flooded = 1 THEN packets ELSE 0 END AS DOUBLE)) / SUM(CAST(packets AS DOUBLE)) AS share
  FROM spread
  GROUP BY
    line,
    window_start_ms
), flood AS (
  SELECT
    w.line,
    w.window_start_ms,
    e.targets,
    e.main_port,
    e.block_sampled_packets,
    p.two_way,
    p.sustain,
    p.connections_10s AS opens_connections_10s,
    p.connections_60s AS opens_connections_60s,
    p.packets_most AS opens_packets_most,
    10 * p.connections_10s * e.packets / e.connections AS enough_10s,
    60 * p.connections_60s * e.packets / e.connections AS enough_60s,
    e.lasted_ms,
    e.answered_packets / e.packets AS answered_share,
    e.packets / e.connections AS packets_a_connection,
    e.octets / e.packets AS mean_octets,
    w.sampled_packets / w.packets AS sampled_share,
    w.packets_var / w.packets AS var_share,
    w.tcp_packets * s.share * LEAST(a.packets / GREATEST(c.packets, 1e-9), 1) AS packets
  FROM line_window AS w
  JOIN evidence AS e
    ON e.line = w.line AND e.block_start_ms = w.window_start_ms DIV 600000 * 600000
  JOIN share AS s
    ON s.line = w.line AND s.window_start_ms = w.window_start_ms
  JOIN paired AS a
    ON a.line = e.line AND a.block_start_ms = e.block_start_ms
  JOIN counted AS c
    ON c.line = e.line AND c.block_start_ms = e.block_start_ms
  JOIN params AS p
    ON p.line = w.line
  WHERE
    w.side = 0 AND w.tcp_packets > 0
), metered AS (
  SELECT
    *,
    packets * var_share AS packets_var
  FROM flood
), rated AS (
  SELECT
    *,
    GREATEST(
      counted / enough_10s,
      minute / enough_60s,
      CASE WHEN block_var > 0 THEN block / enough_block ELSE 0 END
    ) AS rate,
    GREATEST(
      (
        counted - 2 * SQRT(counted_var)
      ) / enough_10s,
      (
        minute - 2 * SQRT(minute_var)
      ) / enough_60s,
      CASE
        WHEN block_var > 0
        THEN (
          block - 2 * SQRT(block_var)
        ) / enough_block
        ELSE 0
      END
    ) AS sure_rate
  FROM (
    SELECT
      *,
      packets AS counted,
      packets_var AS counted_var,
      SUM(CAST(packets AS DOUBLE)) OVER (PARTITION BY line, window_start_ms DIV 60000) AS minute,
      SUM(CAST(packets_var AS DOUBLE)) OVER (PARTITION BY line, window_start_ms DIV 60000) AS minute_var,
      SUM(CAST(packets AS DOUBLE)) OVER (PARTITION BY line, window_start_ms DIV 600000) AS block,
      SUM(CAST(packets_var AS DOUBLE)) OVER (PARTITION BY line, window_start_ms DIV 600000) AS block_var,
      enough_60s * GREATEST(lasted_ms, 60000) / 60000 AS enough_block
    FROM metered
  ) AS w
)
SELECT
  line,
  window_start_ms,
  CASE WHEN sure_rate >= 1 THEN 1 ELSE 0 END AS opens,
  packets,
  packets * mean_octets AS octets,
  packets * sampled_share AS sampled_packets,
  packets_var,
  packets_var * mean_octets * mean_octets AS octets_var,
  targets,
  packets / packets_a_connection AS connections,
  packets_a_connection,
  main_port,
  answered_share,
  two_way,
  block_sampled_packets,
  opens_connections_10s,
  opens_connections_60s,
  opens_packets_most
FROM rated
WHERE
  rate >= sustain;

-- targets
WITH door AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    CASE
      WHEN port IN (
        25,
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
      THEN port
      ELSE 0
    END AS door,
    MAX_BY(port, packets * 65536 + port) AS port,
    GREATEST(COUNT(DISTINCT target_lo), COUNT(DISTINCT target_hi)) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(octets AS DOUBLE)) AS octets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(syn_packets AS DOUBLE)) AS syn_packets,
    SUM(CAST(connections AS DOUBLE)) AS connections,
    SUM(CAST(answered_packets AS DOUBLE)) AS answered_packets,
    SUM(CAST(answered_reset_packets AS DOUBLE)) AS refused_packets,
    MIN(first_ms) AS first_ms,
    MAX(last_ms) AS last_ms
  FROM line_target
  WHERE
    protocol = 6
  GROUP BY
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END,
    CASE
      WHEN port IN (
        25,
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
      THEN port
      ELSE 0
    END
), estimated AS (
  SELECT
    d.*,
    d.connections * d.sampled_packets / d.packets AS connections_seen,
    CASE
      WHEN d.packets < 1.5 * d.sampled_packets
      THEN d.connections
      ELSE GREATEST(
        d.connections - 2 * SQRT(d.connections * d.packets / d.sampled_packets),
        CASE
          WHEN d.records >= p.separate * d.sampled_packets
          THEN d.packets / p.packets_most
          ELSE 0
        END
      )
    END AS likely_connections
  FROM door AS d
  JOIN params AS p
    ON p.line = d.line
  WHERE
    d.packets > 0
), marked AS (
  SELECT
    e.*,
    p.two_way,
    CASE
      WHEN e.door = 0
      AND e.sampled_packets >= p.sampled
      AND e.connections_seen >= p.connections_seen
      AND e.packets <= p.packets_most * e.connections
      AND e.syn_packets <= p.syn_share * e.packets
      AND e.octets <= p.octets_most * e.likely_connections
      AND (
        p.two_way = 0
        OR (
          e.answered_packets >= p.answered * e.packets
          AND e.refused_packets <= p.refused * e.answered_packets
        )
      )
      AND e.likely_connections >= 10 * p.connections_10s
      AND e.likely_connections * 1000.0 >= p.sustain * p.connections_60s * (
        e.last_ms - e.first_ms
      )
      THEN 1
      ELSE 0
    END AS flooded
  FROM estimated AS e
  JOIN params AS p
    ON p.line = e.line
)
SELECT
  line,
  block_start_ms,
  CASE
    WHEN network BETWEEN 281470681743360 AND 281474976710655
    THEN 0
    ELSE network
  END AS network_hi,
  CASE
    WHEN network BETWEEN 281470681743360 AND 281474976710655
    THEN network
    ELSE 0
  END AS network_lo,
  CASE WHEN network BETWEEN 281470681743360 AND 281474976710655 THEN 120 ELSE 48 END AS network_bits,
  port,
  6 AS protocol,
  packets,
  targets
FROM marked
WHERE
  flooded = 1;

