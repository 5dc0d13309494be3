-- DAY_VOLUME_SQL
WITH known AS (
  SELECT
    h.line,
    SUM(CAST(h.octets AS DOUBLE)) AS day_octets,
    SUM(CAST(b.usual_octets AS DOUBLE)) AS usual_octets,
    CAST(COUNT(*) AS DOUBLE) AS hours,
    CAST(MIN(b.weeks) AS DOUBLE) AS weeks,
    AVG(b.spread) AS spread
  FROM line_hour AS h
  JOIN baseline AS b
    ON b.line = h.line AND b.hour_start_ms = h.hour_start_ms
  JOIN params AS p
    ON p.line = h.line
  WHERE
    b.weeks >= p.weeks
  GROUP BY
    h.line
)
SELECT
  k.line,
  k.day_octets,
  k.usual_octets,
  k.hours,
  k.weeks,
  POWER(2, p.spreads * GREATEST(k.spread, p.least_spread)) AS opens_times_usual
FROM known AS k
JOIN params AS p
  ON p.line = k.line
WHERE
  k.hours >= p.hours
  AND k.day_octets >= p.octets
  AND k.day_octets >= k.usual_octets * POWER(2, p.spreads * GREATEST(k.spread, p.least_spread))
ORDER BY
  k.line NULLS LAST;

-- DOOR_PARTS_SQL
WITH way AS (
  SELECT
    src_line AS line,
    dst_hi AS target_hi,
    dst_lo AS target_lo,
    dst_port AS port,
    received_at DIV 3600000 AS hour,
    CAST(packets AS DOUBLE) AS sampled_packets,
    CAST(packets AS DOUBLE) * CASE WHEN sampling_interval = 0 THEN 1e0 ELSE sampling_interval END AS packets,
    CASE
      WHEN protocol = 6 AND (
        tcp_flags & 23
      ) = 2
      THEN CAST(packets AS DOUBLE)
      ELSE 0e0
    END AS lone_syn,
    0e0 AS answered
  FROM attributed
  WHERE
    src_line > 0
    AND boundary >= 0
    AND protocol = 6
    AND dst_port IN (
      23,
      26,
      2323,
      5555,
      7547,
      9530,
      23023,
      23231,
      34567,
      37215,
      52869,
      60023,
      22,
      80,
      81,
      443,
      445,
      3389,
      8080,
      8081,
      8443
    )
  UNION ALL
  SELECT
    dst_line AS line,
    src_hi AS target_hi,
    src_lo AS target_lo,
    src_port AS port,
    received_at DIV 3600000 AS hour,
    0e0 AS sampled_packets,
    0e0 AS packets,
    0e0 AS lone_syn,
    CAST(packets AS DOUBLE) AS answered
  FROM attributed
  WHERE
    dst_line > 0
    AND boundary >= 0
    AND protocol = 6
    AND (
      tcp_flags & 18
    ) = 18
    AND src_port IN (
      23,
      26,
      2323,
      5555,
      7547,
      9530,
      23023,
      23231,
      34567,
      37215,
      52869,
      60023,
      22,
      80,
      81,
      443,
      445,
      3389,
      8080,
      8081,
      8443
    )
)
SELECT
  w.line,
  w.target_hi,
  w.target_lo,
  w.port,
  w.hour,
  CAST(SUM(w.sampled_packets) AS DOUBLE) AS sampled_packets,
  CAST(SUM(w.packets) AS DOUBLE) AS packets,
  CAST(SUM(w.lone_syn) AS DOUBLE) AS lone_syn,
  CAST(SUM(w.answered) AS DOUBLE) AS answered
FROM way AS w
JOIN asked AS a
  ON a.line = w.line
GROUP BY
  w.line,
  w.target_hi,
  w.target_lo,
  w.port,
  w.hour;

-- HOUR_PARTS_SQL
SELECT
  src_line AS line,
  boundary,
  received_at DIV 3600000 * 3600000 AS hour_start_ms,
  COUNT(*) AS records,
  CAST(SUM(
    CAST(octets AS DOUBLE) * CASE WHEN sampling_interval = 0 THEN 1e0 ELSE sampling_interval END
  ) AS DOUBLE) AS octets,
  CAST(SUM(CAST(packets AS DOUBLE)) AS DOUBLE) AS sampled_packets,
  CAST(SUM(
    CASE
      WHEN protocol = 6 AND (
        tcp_flags & 23
      ) = 2
      THEN CAST(packets AS DOUBLE)
      ELSE 0e0
    END
  ) AS DOUBLE) AS lone_syn
FROM attributed
WHERE
  src_line > 0 AND boundary >= 0
GROUP BY
  src_line,
  boundary,
  received_at DIV 3600000;

-- LINE_HOUR_SQL
WITH summed AS (
  SELECT
    line,
    boundary,
    hour_start_ms,
    CAST(SUM(octets) AS DOUBLE) AS octets,
    CAST(SUM(sampled_packets) AS DOUBLE) AS sampled_packets,
    CAST(SUM(lone_syn) AS DOUBLE) AS lone_syn
  FROM part
  GROUP BY
    line,
    boundary,
    hour_start_ms
), most AS (
  SELECT
    line,
    boundary,
    ROW_NUMBER() OVER (PARTITION BY line ORDER BY octets DESC, boundary NULLS LAST) AS place
  FROM (
    SELECT
      line,
      boundary,
      CAST(SUM(octets) AS DOUBLE) AS octets
    FROM summed
    GROUP BY
      line,
      boundary
  ) AS b
)
SELECT
  s.line,
  s.hour_start_ms,
  s.octets,
  s.sampled_packets,
  s.lone_syn
FROM summed AS s
JOIN most AS m
  ON m.line = s.line AND m.boundary = s.boundary
WHERE
  m.place = 1;

-- SLOW_SCAN_SQL
WITH pair AS (
  SELECT
    line,
    port,
    target_hi,
    target_lo,
    CAST(SUM(sampled_packets) AS DOUBLE) AS sampled_packets,
    CAST(SUM(packets) AS DOUBLE) AS packets,
    CAST(SUM(lone_syn) AS DOUBLE) AS lone_syn,
    CAST(SUM(answered) AS DOUBLE) AS answered,
    MIN(hour) AS hour
  FROM line_day_door
  GROUP BY
    line,
    port,
    target_hi,
    target_lo
), judged AS (
  SELECT
    *,
    CASE
      WHEN lone_syn > 0 AND lone_syn >= 8e-1 * sampled_packets AND answered = 0
      THEN 1
      ELSE 0
    END AS probe
  FROM pair
  WHERE
    sampled_packets > 0
), door AS (
  SELECT
    line,
    port,
    SUM(CAST(probe AS DOUBLE)) AS probes,
    SUM(CAST(1 - probe AS DOUBLE)) AS others,
    SUM(CAST(packets AS DOUBLE)) / SUM(CAST(sampled_packets AS DOUBLE)) AS scale,
    CAST(COUNT(DISTINCT CASE WHEN probe = 1 THEN hour ELSE NULL END) AS DOUBLE) AS hours
  FROM judged
  GROUP BY
    line,
    port
)
SELECT
  d.line,
  d.port,
  d.probes,
  d.others,
  d.probes * d.scale AS likely_targets,
  d.hours,
  CASE
    WHEN d.port IN (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
    THEN p.device_targets
    ELSE p.ordinary_targets
  END AS opens_targets
FROM door AS d
JOIN params AS p
  ON p.line = d.line
WHERE
  d.probes >= p.probes
  AND d.probes >= p.probes_an_other * d.others
  AND d.hours >= p.hours
  AND d.probes * d.scale >= CASE
    WHEN d.port IN (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
    THEN p.device_targets
    ELSE p.ordinary_targets
  END
ORDER BY
  d.line NULLS LAST,
  d.port NULLS LAST;

