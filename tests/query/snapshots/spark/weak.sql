-- suspects
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
  s.line
FROM part AS s
JOIN joint AS j
  ON j.block_start_ms = s.block_start_ms
  AND j.network = s.network
  AND j.protocol = s.protocol;

-- shares
WITH spoken AS (
  SELECT
    t.line,
    t.block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    t.port,
    t.protocol,
    t.packets,
    t.octets,
    t.sampled_packets,
    t.answered_packets,
    t.answered_syn_ack_packets,
    t.syn_packets,
    t.first_ms,
    t.last_ms
  FROM line_target AS t
  JOIN params AS p
    ON p.line = t.line
  WHERE
    own_port = 0
    AND (
      (
        protocol = 17 AND port <> 53
      )
      OR (
        protocol = 6 AND packets * 0.8 <= syn_packets
      )
    )
    AND (
      t.protocol = 6 OR p.two_way = 1
    )
), unanswered AS (
  SELECT
    block_start_ms,
    network,
    protocol
  FROM spoken
  GROUP BY
    block_start_ms,
    network,
    protocol
  HAVING
    (
      protocol = 6
      OR SUM(CAST(answered_packets AS DOUBLE)) + 2 * SQRT(
        SUM(CAST(answered_packets AS DOUBLE)) * SUM(CAST(packets AS DOUBLE)) / NULLIF(SUM(CAST(sampled_packets AS DOUBLE)), 0)
      ) <= 0.02 * SUM(CAST(packets AS DOUBLE))
    )
), part AS (
  SELECT
    s.line,
    s.block_start_ms,
    s.network,
    s.protocol,
    CASE WHEN MAX(s.port) > MIN(s.port) THEN 0 ELSE MAX(s.port) END AS port,
    SUM(CAST(s.packets AS DOUBLE)) AS packets,
    SUM(CAST(s.octets AS DOUBLE)) AS octets,
    SUM(CAST(s.sampled_packets AS DOUBLE)) AS sampled_packets,
    MIN(s.first_ms) AS first_ms,
    MAX(s.last_ms) AS last_ms
  FROM (
    SELECT
      *
    FROM spoken
    WHERE
      (
        protocol = 17 AND answered_packets * 100 <= packets
      )
      OR (
        protocol = 6
        AND packets * 0.8 <= syn_packets
        AND answered_syn_ack_packets * 10 <= syn_packets
      )
  ) AS s
  JOIN unanswered AS u
    ON u.block_start_ms = s.block_start_ms
    AND u.network = s.network
    AND u.protocol = s.protocol
  GROUP BY
    s.line,
    s.block_start_ms,
    s.network,
    s.protocol
), joint AS (
  SELECT
    block_start_ms,
    network,
    protocol,
    COUNT(*) AS lines,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    MIN(first_ms) AS first_ms,
    MAX(last_ms) AS last_ms
  FROM part
  GROUP BY
    block_start_ms,
    network,
    protocol
), found AS (
  SELECT
    s.*,
    j.lines
  FROM part AS s
  JOIN joint AS j
    ON j.block_start_ms = s.block_start_ms
    AND j.network = s.network
    AND j.protocol = s.protocol
  WHERE
    j.lines >= 8
    AND j.sampled_packets >= 3 * j.lines
    AND j.packets * 1000 >= 2000 * GREATEST(j.last_ms - j.first_ms, 60000)
    AND j.packets * 1000 >= CASE WHEN j.protocol = 17 THEN 100 ELSE 30 END * j.lines * GREATEST(j.last_ms - j.first_ms, 60000)
    AND s.sampled_packets >= 3
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
  protocol,
  port,
  packets,
  octets,
  sampled_packets,
  first_ms,
  last_ms,
  lines
FROM found
ORDER BY
  line NULLS LAST,
  block_start_ms NULLS LAST,
  network NULLS LAST,
  protocol NULLS LAST;

