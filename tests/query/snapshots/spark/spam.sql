-- screen
SELECT
  (
    mail_packets > 0
  ) AS spam
FROM line_window;

-- suspects
SELECT
  line
FROM line_target
WHERE
  protocol = 6 AND port = 25
GROUP BY
  line
HAVING
  COUNT(*) >= LEAST(50, 20 * 0.6);

-- candidates
WITH mailed AS (
  SELECT
    line,
    block_start_ms,
    target_hi,
    target_lo,
    packets,
    sampled_packets,
    answered_packets
  FROM line_target
  WHERE
    protocol = 6 AND port = 25
), block AS (
  SELECT
    line,
    block_start_ms,
    COUNT(*) AS seen,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(answered_packets AS DOUBLE)) AS answered_packets
  FROM mailed
  GROUP BY
    line,
    block_start_ms
), address AS (
  SELECT
    b.line,
    b.block_start_ms,
    m.target_hi,
    m.target_lo,
    SUM(CAST(m.packets AS DOUBLE)) AS packets,
    SUM(CAST(m.sampled_packets AS DOUBLE)) AS sampled_packets
  FROM block AS b
  JOIN mailed AS m
    ON m.line = b.line
    AND m.block_start_ms BETWEEN b.block_start_ms - 3000000 AND b.block_start_ms
  GROUP BY
    b.line,
    b.block_start_ms,
    m.target_hi,
    m.target_lo
), hour AS (
  SELECT
    line,
    block_start_ms,
    COUNT(*) AS seen,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(packets AS DOUBLE)) AS packets
  FROM address
  GROUP BY
    line,
    block_start_ms
), judged AS (
  SELECT
    b.*,
    CASE
      WHEN CASE
        WHEN b.packets >= 1.5 * b.sampled_packets
        AND b.sampled_packets >= p.sampled
        AND b.seen >= p.distinct * b.sampled_packets
        THEN GREATEST(
          b.seen,
          b.sampled_packets / (
            (
              (
                GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
              ) / b.sampled_packets
            ) * (
              2 + (
                (
                  GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
                ) / b.sampled_packets
              ) * (
                4e0 / 3 + (
                  (
                    GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
                  ) / b.sampled_packets
                ) * 10e0 / 9
              )
            )
          )
        )
        ELSE b.seen
      END >= p.targets_10min
      THEN 1
      ELSE 0
    END AS in_block,
    CASE
      WHEN CASE
        WHEN h.packets >= 1.5 * h.sampled_packets
        AND h.sampled_packets >= p.sampled
        AND h.seen >= p.distinct * h.sampled_packets
        THEN GREATEST(
          h.seen,
          h.sampled_packets / (
            (
              (
                GREATEST(h.sampled_packets - h.seen, 0) + p.deviations * SQRT(GREATEST(h.sampled_packets - h.seen, 0) + 1) + 1
              ) / h.sampled_packets
            ) * (
              2 + (
                (
                  GREATEST(h.sampled_packets - h.seen, 0) + p.deviations * SQRT(GREATEST(h.sampled_packets - h.seen, 0) + 1) + 1
                ) / h.sampled_packets
              ) * (
                4e0 / 3 + (
                  (
                    GREATEST(h.sampled_packets - h.seen, 0) + p.deviations * SQRT(GREATEST(h.sampled_packets - h.seen, 0) + 1) + 1
                  ) / h.sampled_packets
                ) * 10e0 / 9
              )
            )
          )
        )
        ELSE h.seen
      END >= p.targets_60min
      THEN 1
      ELSE 0
    END AS in_hour,
    CASE
      WHEN b.packets >= 1.5 * b.sampled_packets
      AND b.sampled_packets >= p.sampled
      AND b.seen >= p.distinct * b.sampled_packets
      THEN GREATEST(
        b.seen,
        b.sampled_packets / (
          (
            (
              GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
            ) / b.sampled_packets
          ) * (
            2 + (
              (
                GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
              ) / b.sampled_packets
            ) * (
              4e0 / 3 + (
                (
                  GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
                ) / b.sampled_packets
              ) * 10e0 / 9
            )
          )
        )
      )
      ELSE b.seen
    END AS likely_targets
  FROM block AS b
  JOIN hour AS h
    ON h.line = b.line AND h.block_start_ms = b.block_start_ms
  JOIN params AS p
    ON p.line = b.line
), flagged AS (
  SELECT
    *,
    MAX(in_hour) OVER (
      PARTITION BY line
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN CURRENT ROW AND 3000000 following
    ) AS within_hour
  FROM judged
), sent AS (
  SELECT
    *
  FROM flagged
  WHERE
    in_block = 1 OR within_hour = 1
)
SELECT
  s.line,
  w.window_start_ms,
  1 AS opens,
  w.mail_packets AS packets,
  w.tcp_octets / w.tcp_packets * w.mail_packets AS octets,
  w.sampled_packets * w.mail_packets / w.packets AS sampled_packets,
  w.packets_var * w.mail_packets / w.packets AS packets_var,
  w.packets_var * w.mail_packets / w.packets * (
    w.tcp_octets / w.tcp_packets
  ) * (
    w.tcp_octets / w.tcp_packets
  ) AS octets_var,
  s.seen AS targets,
  s.likely_targets,
  s.answered_packets / s.packets AS answered_share,
  p.two_way,
  s.sampled_packets AS block_sampled_packets,
  p.targets_10min AS opens_targets_10min,
  p.targets_60min AS opens_targets_60min
FROM line_window AS w
JOIN sent AS s
  ON s.line = w.line AND s.block_start_ms = w.window_start_ms DIV 600000 * 600000
JOIN params AS p
  ON p.line = w.line
WHERE
  w.side = 0 AND w.mail_packets > 0;

-- targets
WITH mailed AS (
  SELECT
    line,
    block_start_ms,
    target_hi,
    target_lo,
    packets,
    sampled_packets,
    answered_packets
  FROM line_target
  WHERE
    protocol = 6 AND port = 25
), block AS (
  SELECT
    line,
    block_start_ms,
    COUNT(*) AS seen,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(answered_packets AS DOUBLE)) AS answered_packets
  FROM mailed
  GROUP BY
    line,
    block_start_ms
), address AS (
  SELECT
    b.line,
    b.block_start_ms,
    m.target_hi,
    m.target_lo,
    SUM(CAST(m.packets AS DOUBLE)) AS packets,
    SUM(CAST(m.sampled_packets AS DOUBLE)) AS sampled_packets
  FROM block AS b
  JOIN mailed AS m
    ON m.line = b.line
    AND m.block_start_ms BETWEEN b.block_start_ms - 3000000 AND b.block_start_ms
  GROUP BY
    b.line,
    b.block_start_ms,
    m.target_hi,
    m.target_lo
), hour AS (
  SELECT
    line,
    block_start_ms,
    COUNT(*) AS seen,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(packets AS DOUBLE)) AS packets
  FROM address
  GROUP BY
    line,
    block_start_ms
), judged AS (
  SELECT
    b.*,
    CASE
      WHEN CASE
        WHEN b.packets >= 1.5 * b.sampled_packets
        AND b.sampled_packets >= p.sampled
        AND b.seen >= p.distinct * b.sampled_packets
        THEN GREATEST(
          b.seen,
          b.sampled_packets / (
            (
              (
                GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
              ) / b.sampled_packets
            ) * (
              2 + (
                (
                  GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
                ) / b.sampled_packets
              ) * (
                4e0 / 3 + (
                  (
                    GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
                  ) / b.sampled_packets
                ) * 10e0 / 9
              )
            )
          )
        )
        ELSE b.seen
      END >= p.targets_10min
      THEN 1
      ELSE 0
    END AS in_block,
    CASE
      WHEN CASE
        WHEN h.packets >= 1.5 * h.sampled_packets
        AND h.sampled_packets >= p.sampled
        AND h.seen >= p.distinct * h.sampled_packets
        THEN GREATEST(
          h.seen,
          h.sampled_packets / (
            (
              (
                GREATEST(h.sampled_packets - h.seen, 0) + p.deviations * SQRT(GREATEST(h.sampled_packets - h.seen, 0) + 1) + 1
              ) / h.sampled_packets
            ) * (
              2 + (
                (
                  GREATEST(h.sampled_packets - h.seen, 0) + p.deviations * SQRT(GREATEST(h.sampled_packets - h.seen, 0) + 1) + 1
                ) / h.sampled_packets
              ) * (
                4e0 / 3 + (
                  (
                    GREATEST(h.sampled_packets - h.seen, 0) + p.deviations * SQRT(GREATEST(h.sampled_packets - h.seen, 0) + 1) + 1
                  ) / h.sampled_packets
                ) * 10e0 / 9
              )
            )
          )
        )
        ELSE h.seen
      END >= p.targets_60min
      THEN 1
      ELSE 0
    END AS in_hour,
    CASE
      WHEN b.packets >= 1.5 * b.sampled_packets
      AND b.sampled_packets >= p.sampled
      AND b.seen >= p.distinct * b.sampled_packets
      THEN GREATEST(
        b.seen,
        b.sampled_packets / (
          (
            (
              GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
            ) / b.sampled_packets
          ) * (
            2 + (
              (
                GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
              ) / b.sampled_packets
            ) * (
              4e0 / 3 + (
                (
                  GREATEST(b.sampled_packets - b.seen, 0) + p.deviations * SQRT(GREATEST(b.sampled_packets - b.seen, 0) + 1) + 1
                ) / b.sampled_packets
              ) * 10e0 / 9
            )
          )
        )
      )
      ELSE b.seen
    END AS likely_targets
  FROM block AS b
  JOIN hour AS h
    ON h.line = b.line AND h.block_start_ms = b.block_start_ms
  JOIN params AS p
    ON p.line = b.line
), flagged AS (
  SELECT
    *,
    MAX(in_hour) OVER (
      PARTITION BY line
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN CURRENT ROW AND 3000000 following
    ) AS within_hour
  FROM judged
), sent AS (
  SELECT
    *
  FROM flagged
  WHERE
    in_block = 1 OR within_hour = 1
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
  25 AS port,
  6 AS protocol,
  packets,
  targets
FROM (
  SELECT
    m.line,
    m.block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    SUM(CAST(m.packets AS DOUBLE)) AS packets,
    MAX(s.seen) AS targets
  FROM mailed AS m
  JOIN sent AS s
    ON s.line = m.line AND s.block_start_ms = m.block_start_ms
  GROUP BY
    m.line,
    m.block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
) AS n;

