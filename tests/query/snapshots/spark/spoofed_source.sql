-- screen
SELECT
  (
    packets >= 10 * 0.3 * 1000
  ) AS spoofed_source
FROM line_window;

-- suspects
SELECT
  line
FROM line_target
GROUP BY
  line,
  block_start_ms
HAVING
  SUM(CAST(sampled_packets AS DOUBLE)) >= 20;

-- candidates
WITH network AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets
  FROM line_target
  GROUP BY
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
), block AS (
  SELECT
    line,
    block_start_ms,
    COUNT(*) AS targets,
    SUM(CAST(sampled_packets AS DOUBLE)) AS block_sampled_packets
  FROM network
  GROUP BY
    line,
    block_start_ms
), rated AS (
  SELECT
    w.*,
    b.targets,
    b.block_sampled_packets,
    p.two_way,
    p.sustain,
    p.pps_10s AS opens_pps_10s,
    w.packets / (
      10 * p.pps_10s
    ) AS rate
  FROM line_window AS w
  JOIN block AS b
    ON b.line = w.line AND b.block_start_ms = w.window_start_ms DIV 600000 * 600000
  JOIN params AS p
    ON p.line = w.line
  WHERE
    w.side = 0 AND w.packets > 0 AND b.block_sampled_packets >= p.sampled
)
SELECT
  line,
  window_start_ms,
  CASE WHEN rate >= 1 THEN 1 ELSE 0 END AS opens,
  packets,
  octets,
  sampled_packets,
  packets_var,
  octets_var,
  targets,
  two_way,
  block_sampled_packets,
  octets / packets AS mean_octets,
  opens_pps_10s
FROM rated
WHERE
  rate >= sustain;

-- targets
WITH network AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    CASE WHEN MAX(port) > MIN(port) THEN 0 ELSE MAX(port) END AS port,
    MAX(protocol) AS protocol,
    SUM(CAST(packets AS DOUBLE)) AS packets
  FROM line_target
  WHERE
    protocol >= 0
  GROUP BY
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
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
  protocol,
  packets,
  COUNT(*) OVER (PARTITION BY line, block_start_ms) AS targets
FROM network;

