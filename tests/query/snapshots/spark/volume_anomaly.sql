-- screen
SELECT
  (
    octets * 360 >= 2000000000.0
  ) AS volume_anomaly
FROM line_window;

-- suspects
SELECT
  line
FROM line_target
GROUP BY
  line
HAVING
  SUM(CAST(octets AS DOUBLE)) >= 2000000000.0;

-- candidates
WITH hour AS (
  SELECT
    line,
    block_start_ms DIV 3600000 * 3600000 AS hour_start_ms,
    SUM(CAST(octets AS DOUBLE)) AS hour_octets,
    SUM(CAST(sampled_packets AS DOUBLE)) AS hour_sampled_packets
  FROM line_target
  GROUP BY
    line,
    block_start_ms DIV 3600000 * 3600000
), anomalous AS (
  SELECT
    h.*,
    b.usual_octets,
    b.weeks,
    p.two_way,
    p.octets_60min AS opens_octets_60min,
    POWER(2, p.spreads * GREATEST(b.spread, p.least_spread)) AS opens_times_usual
  FROM hour AS h
  JOIN baseline AS b
    ON b.line = h.line AND b.hour_start_ms = h.hour_start_ms
  JOIN params AS p
    ON p.line = h.line
  WHERE
    b.weeks >= p.weeks
    AND h.hour_octets >= p.octets_60min
    AND h.hour_sampled_packets >= p.sampled
    AND h.hour_octets >= b.usual_octets * POWER(2, p.spreads * GREATEST(b.spread, p.least_spread))
)
SELECT
  w.line,
  w.window_start_ms,
  1 AS opens,
  w.packets,
  w.octets,
  w.sampled_packets,
  w.packets_var,
  w.octets_var,
  a.hour_octets,
  a.usual_octets,
  a.weeks,
  a.two_way,
  a.opens_octets_60min,
  a.opens_times_usual
FROM line_window AS w
JOIN anomalous AS a
  ON a.line = w.line AND a.hour_start_ms = w.window_start_ms DIV 3600000 * 3600000
WHERE
  w.side = 0 AND w.packets > 0 AND w.octets * 360 >= a.usual_octets;

-- targets
WITH hour AS (
  SELECT
    line,
    block_start_ms DIV 3600000 * 3600000 AS hour_start_ms,
    SUM(CAST(octets AS DOUBLE)) AS hour_octets,
    SUM(CAST(sampled_packets AS DOUBLE)) AS hour_sampled_packets
  FROM line_target
  GROUP BY
    line,
    block_start_ms DIV 3600000 * 3600000
), anomalous AS (
  SELECT
    h.*,
    b.usual_octets,
    b.weeks,
    p.two_way,
    p.octets_60min AS opens_octets_60min,
    POWER(2, p.spreads * GREATEST(b.spread, p.least_spread)) AS opens_times_usual
  FROM hour AS h
  JOIN baseline AS b
    ON b.line = h.line AND b.hour_start_ms = h.hour_start_ms
  JOIN params AS p
    ON p.line = h.line
  WHERE
    b.weeks >= p.weeks
    AND h.hour_octets >= p.octets_60min
    AND h.hour_sampled_packets >= p.sampled
    AND h.hour_octets >= b.usual_octets * POWER(2, p.spreads * GREATEST(b.spread, p.least_spread))
), street AS (
  SELECT
    t.line,
    t.block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    t.port,
    t.protocol,
    t.packets,
    t.target_lo
  FROM line_target AS t
  JOIN anomalous AS a
    ON a.line = t.line AND a.hour_start_ms = t.block_start_ms DIV 3600000 * 3600000
  WHERE
    t.protocol >= 0
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
  SUM(CAST(packets AS DOUBLE)) AS packets,
  COUNT(DISTINCT target_lo) AS targets
FROM street
GROUP BY
  line,
  block_start_ms,
  network,
  port,
  protocol;

