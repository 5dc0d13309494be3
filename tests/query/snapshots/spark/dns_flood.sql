-- screen
SELECT
  (
    dns_packets >= 5 * 150
  ) AS dns_flood
FROM line_window;

-- suspects
SELECT
  line
FROM line_target
WHERE
  protocol = 17 AND port = 53
GROUP BY
  line,
  block_start_ms
HAVING
  SUM(CAST(sampled_packets AS DOUBLE)) >= 20
  AND SUM(CAST(packets AS DOUBLE)) >= 10 * 250;

-- candidates
WITH asked AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    COUNT(*) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    MIN(first_ms) AS first_ms,
    MAX(last_ms) AS last_ms
  FROM line_target
  WHERE
    protocol = 17 AND port = 53
  GROUP BY
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
), shape AS (
  SELECT
    line,
    block_start_ms,
    SUM(CAST(targets AS DOUBLE)) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    GREATEST(MAX(last_ms) - MIN(first_ms), 10000) AS lasted_ms
  FROM asked
  GROUP BY
    line,
    block_start_ms
), counted AS (
  SELECT
    line,
    window_start_ms DIV 600000 * 600000 AS block_start_ms,
    SUM(CAST(CASE WHEN side = 0 THEN dns_packets ELSE 0 END AS DOUBLE)) AS sent,
    SUM(CAST(CASE WHEN side = 1 THEN dns_packets ELSE 0 END AS DOUBLE)) AS received
  FROM line_window
  GROUP BY
    line,
    window_start_ms DIV 600000 * 600000
), told AS (
  SELECT
    s.*,
    p.two_way,
    COALESCE(c.received / NULLIF(c.sent, 0), 0) AS answered_share,
    CASE
      WHEN s.records >= p.scattered * s.sampled_packets
      OR s.records * 10000.0 >= p.scattered_pace * s.lasted_ms
      THEN 1
      ELSE 0
    END AS scattered
  FROM shape AS s
  JOIN counted AS c
    ON c.line = s.line AND c.block_start_ms = s.block_start_ms
  JOIN params AS p
    ON p.line = s.line
  WHERE
    s.sampled_packets >= p.sampled
), flooded AS (
  SELECT
    t.line,
    t.block_start_ms,
    t.targets,
    t.sampled_packets,
    t.lasted_ms,
    t.two_way,
    t.answered_share,
    t.scattered,
    CASE
      WHEN t.two_way = 0
      OR t.answered_share > 1 - p.unanswered
      OR (
        1 - t.answered_share
      ) * (
        1 - t.answered_share
      ) * t.sampled_packets < p.deviations * p.deviations * (
        1 + t.answered_share
      )
      THEN 0
      WHEN t.scattered = 1
      OR (
        t.answered_share <= p.silent AND t.sampled_packets >= p.silent_sampled
      )
      THEN 1 - t.answered_share
      ELSE 0
    END AS unanswered_share
  FROM told AS t
  JOIN params AS p
    ON p.line = t.line
), flood AS (
  SELECT
    f.line,
    w.window_start_ms,
    f.targets,
    f.two_way,
    f.scattered,
    p.sustain,
    f.answered_share,
    f.sampled_packets AS block_sampled_packets,
    w.dns_packets AS packets,
    w.dns_octets AS octets,
    w.sampled_packets * w.dns_packets / w.packets AS sampled_packets,
    w.packets_var * w.dns_packets / w.packets AS packets_var,
    10 / NULLIF(GREATEST(f.scattered / p.pps_10s, f.unanswered_share / p.unanswered_pps_10s), 0) AS enough_10s,
    60 / NULLIF(GREATEST(f.scattered / p.pps_60s, f.unanswered_share / p.unanswered_pps_60s), 0) AS enough_60s,
    f.lasted_ms,
    f.scattered * p.pps_10s AS opens_pps_10s,
    f.scattered * p.pps_60s AS opens_pps_60s,
    CASE WHEN f.unanswered_share > 0 THEN p.unanswered_pps_10s ELSE 0 END AS opens_unanswered_pps_10s,
    CASE WHEN f.unanswered_share > 0 THEN p.unanswered_pps_60s ELSE 0 END AS opens_unanswered_pps_60s
  FROM line_window AS w
  JOIN flooded AS f
    ON f.line = w.line AND f.block_start_ms = w.window_start_ms DIV 600000 * 600000
  JOIN params AS p
    ON p.line = w.line
  WHERE
    w.side = 0
    AND w.dns_packets > 0
    AND (
      f.scattered = 1 OR f.unanswered_share > 0
    )
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
    FROM flood
  ) AS w
)
SELECT
  line,
  window_start_ms,
  CASE WHEN sure_rate >= 1 THEN 1 ELSE 0 END AS opens,
  packets,
  octets,
  sampled_packets,
  packets_var,
  packets_var * (
    octets / packets
  ) * (
    octets / packets
  ) AS octets_var,
  targets,
  answered_share,
  octets / packets AS mean_octets,
  two_way,
  block_sampled_packets,
  opens_pps_10s,
  opens_pps_60s,
  opens_unanswered_pps_10s,
  opens_unanswered_pps_60s
FROM rated
WHERE
  rate >= sustain;

-- targets
WITH asked AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    COUNT(*) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    MIN(first_ms) AS first_ms,
    MAX(last_ms) AS last_ms
  FROM line_target
  WHERE
    protocol = 17 AND port = 53
  GROUP BY
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
), shape AS (
  SELECT
    line,
    block_start_ms,
    SUM(CAST(targets AS DOUBLE)) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    GREATEST(MAX(last_ms) - MIN(first_ms), 10000) AS lasted_ms
  FROM asked
  GROUP BY
    line,
    block_start_ms
), counted AS (
  SELECT
    line,
    window_start_ms DIV 600000 * 600000 AS block_start_ms,
    SUM(CAST(CASE WHEN side = 0 THEN dns_packets ELSE 0 END AS DOUBLE)) AS sent,
    SUM(CAST(CASE WHEN side = 1 THEN dns_packets ELSE 0 END AS DOUBLE)) AS received
  FROM line_window
  GROUP BY
    line,
    window_start_ms DIV 600000 * 600000
), told AS (
  SELECT
    s.*,
    p.two_way,
    COALESCE(c.received / NULLIF(c.sent, 0), 0) AS answered_share,
    CASE
      WHEN s.records >= p.scattered * s.sampled_packets
      OR s.records * 10000.0 >= p.scattered_pace * s.lasted_ms
      THEN 1
      ELSE 0
    END AS scattered
  FROM shape AS s
  JOIN counted AS c
    ON c.line = s.line AND c.block_start_ms = s.block_start_ms
  JOIN params AS p
    ON p.line = s.line
  WHERE
    s.sampled_packets >= p.sampled
), flooded AS (
  SELECT
    t.line,
    t.block_start_ms,
    t.targets,
    t.sampled_packets,
    t.lasted_ms,
    t.two_way,
    t.answered_share,
    t.scattered,
    CASE
      WHEN t.two_way = 0
      OR t.answered_share > 1 - p.unanswered
      OR (
        1 - t.answered_share
      ) * (
        1 - t.answered_share
      ) * t.sampled_packets < p.deviations * p.deviations * (
        1 + t.answered_share
      )
      THEN 0
      WHEN t.scattered = 1
      OR (
        t.answered_share <= p.silent AND t.sampled_packets >= p.silent_sampled
      )
      THEN 1 - t.answered_share
      ELSE 0
    END AS unanswered_share
  FROM told AS t
  JOIN params AS p
    ON p.line = t.line
)
SELECT
  a.line,
  a.block_start_ms,
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
  53 AS port,
  17 AS protocol,
  a.packets,
  a.targets
FROM asked AS a
JOIN flooded AS f
  ON f.line = a.line AND f.block_start_ms = a.block_start_ms
WHERE
  f.scattered = 1 OR f.unanswered_share > 0;

