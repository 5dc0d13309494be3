-- screen
SELECT
  (
    udp_packets + tcp_packets > 0
  ) AS c2_contact
FROM line_window;

-- suspects
SELECT DISTINCT
  t.line
FROM line_target AS t
JOIN indicators AS i
  ON i.network = CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
  AND t.target_hi BETWEEN i.hi_first AND i.hi_last
  AND t.target_lo BETWEEN i.lo_first AND i.lo_last
  AND (
    i.port = 0 OR i.port = t.port
  )
  AND (
    i.protocol = 0 OR i.protocol = t.protocol
  )
  AND t.last_ms >= i.valid_from_ms
  AND t.first_ms < i.valid_until_ms
WHERE
  t.protocol IN (6, 17) AND t.own_port = 0;

-- candidates
WITH listed AS (
  SELECT
    t.*,
    i.indicator,
    i.port AS known_port,
    i.sinkhole,
    i.label,
    i.source,
    ROW_NUMBER() OVER (
      PARTITION BY t.line, t.block_start_ms, t.target_hi, t.target_lo, t.port, t.protocol
      ORDER BY CASE WHEN i.port > 0 THEN 0 ELSE 1 END NULLS LAST, i.indicator NULLS LAST
    ) AS choice
  FROM line_target AS t
  JOIN indicators AS i
    ON i.network = CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
    AND t.target_hi BETWEEN i.hi_first AND i.hi_last
    AND t.target_lo BETWEEN i.lo_first AND i.lo_last
    AND (
      i.port = 0 OR i.port = t.port
    )
    AND (
      i.protocol = 0 OR i.protocol = t.protocol
    )
    AND t.last_ms >= i.valid_from_ms
    AND t.first_ms < i.valid_until_ms
  WHERE
    t.protocol IN (6, 17) AND t.own_port = 0
), hour AS (
  SELECT
    *,
    SUM(CAST(packets AS DOUBLE)) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_packets,
    SUM(CAST(syn_packets + reset_packets AS DOUBLE)) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_began_packets,
    SUM(CAST(sampled_packets AS DOUBLE)) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_sampled_packets,
    SUM(CAST(connections AS DOUBLE)) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_connections,
    SUM(CAST(answered_packets AS DOUBLE)) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_answered_packets,
    (
      MAX(last_ms) OVER (
        PARTITION BY line, target_hi, target_lo, port, protocol
        ORDER BY block_start_ms NULLS LAST
        range BETWEEN 3000000 preceding AND CURRENT ROW
      ) - MIN(first_ms) OVER (
        PARTITION BY line, target_hi, target_lo, port, protocol
        ORDER BY block_start_ms NULLS LAST
        range BETWEEN 3000000 preceding AND CURRENT ROW
      )
    ) / 1000e0 AS hour_s
  FROM listed
  WHERE
    choice = 1
), contact AS (
  SELECT
    h.*,
    p.two_way,
    CASE
      WHEN h.known_port > 0 OR h.port < p.high_port OR h.hour_connections >= p.connections
      THEN 1
      ELSE 0
    END AS asked,
    CASE
      WHEN h.hour_s >= p.contact_s AND h.hour_sampled_packets >= p.contact_packets
      THEN 1
      ELSE 0
    END AS repeated
  FROM hour AS h
  JOIN params AS p
    ON p.line = h.line
  WHERE
    h.hour_packets >= p.contact_packets
    AND (
      (
        h.protocol = 6 AND h.hour_began_packets < p.began_share * h.hour_packets
      )
      OR (
        h.protocol = 17 AND (
          p.two_way = 0 OR h.hour_answered_packets > 0
        )
      )
    )
), met AS (
  SELECT
    *,
    MAX(asked * repeated) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN CURRENT ROW AND 3000000 following
    ) AS acts
  FROM contact
  WHERE
    known_port > 0
    OR asked * repeated = 1
    OR (
      asked + repeated > 0
      AND (
        protocol = 17 OR hour_connections > 0 OR hour_packets > 1.5 * hour_sampled_packets
      )
    )
), ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY line, block_start_ms
      ORDER BY acts DESC, hour_sampled_packets DESC, indicator NULLS LAST, target_hi NULLS LAST, target_lo NULLS LAST, port NULLS LAST, protocol NULLS LAST
    ) AS place
  FROM met
), block AS (
  SELECT
    line,
    block_start_ms,
    MAX(acts) AS acts,
    MIN(first_ms) AS first_ms,
    MAX(last_ms) AS last_ms,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(octets AS DOUBLE)) AS octets,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets
  FROM ranked
  GROUP BY
    line,
    block_start_ms
), spread AS (
  SELECT
    w.line,
    w.window_start_ms,
    b.acts,
    b.octets / b.packets AS mean_octets,
    b.sampled_packets / b.packets AS sampled_share,
    w.packets_var / w.packets AS var_share,
    LEAST(b.packets / COUNT(*) OVER (PARTITION BY w.line, b.block_start_ms), w.packets) AS packets,
    b.block_start_ms
  FROM line_window AS w
  JOIN block AS b
    ON b.line = w.line
    AND b.block_start_ms = w.window_start_ms DIV 600000 * 600000
    AND w.window_start_ms <= b.last_ms
    AND w.window_start_ms + 10000 > b.first_ms
  WHERE
    w.side = 0 AND w.packets > 0
)
SELECT
  s.line,
  s.window_start_ms,
  1 AS opens,
  s.acts,
  s.packets,
  s.packets * s.mean_octets AS octets,
  s.packets * s.sampled_share AS sampled_packets,
  s.packets * s.var_share AS packets_var,
  s.packets * s.var_share * s.mean_octets * s.mean_octets AS octets_var,
  r.hour_sampled_packets AS contacts,
  r.hour_s AS contact_s,
  r.port AS main_port,
  r.known_port,
  r.sinkhole,
  r.two_way,
  r.label,
  r.source,
  p.contact_packets AS opens_contact_packets,
  p.contact_s AS opens_contact_s
FROM spread AS s
JOIN ranked AS r
  ON r.line = s.line AND r.block_start_ms = s.block_start_ms AND r.place = 1
JOIN params AS p
  ON p.line = s.line;

-- targets
WITH listed AS (
  SELECT
    t.*,
    i.indicator,
    i.port AS known_port,
    i.sinkhole,
    i.label,
    i.source,
    ROW_NUMBER() OVER (
      PARTITION BY t.line, t.block_start_ms, t.target_hi, t.target_lo, t.port, t.protocol
      ORDER BY CASE WHEN i.port > 0 THEN 0 ELSE 1 END NULLS LAST, i.indicator NULLS LAST
    ) AS choice
  FROM line_target AS t
  JOIN indicators AS i
    ON i.network = CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
    AND t.target_hi BETWEEN i.hi_first AND i.hi_last
    AND t.target_lo BETWEEN i.lo_first AND i.lo_last
    AND (
      i.port = 0 OR i.port = t.port
    )
    AND (
      i.protocol = 0 OR i.protocol = t.protocol
    )
    AND t.last_ms >= i.valid_from_ms
    AND t.first_ms < i.valid_until_ms
  WHERE
    t.protocol IN (6, 17) AND t.own_port = 0
), hour AS (
  SELECT
    *,
    SUM(CAST(packets AS DOUBLE)) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_packets,
    SUM(CAST(syn_packets + reset_packets AS DOUBLE)) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_began_packets,
    SUM(CAST(sampled_packets AS DOUBLE)) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_sampled_packets,
    SUM(CAST(connections AS DOUBLE)) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_connections,
    SUM(CAST(answered_packets AS DOUBLE)) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_answered_packets,
    (
      MAX(last_ms) OVER (
        PARTITION BY line, target_hi, target_lo, port, protocol
        ORDER BY block_start_ms NULLS LAST
        range BETWEEN 3000000 preceding AND CURRENT ROW
      ) - MIN(first_ms) OVER (
        PARTITION BY line, target_hi, target_lo, port, protocol
        ORDER BY block_start_ms NULLS LAST
        range BETWEEN 3000000 preceding AND CURRENT ROW
      )
    ) / 1000e0 AS hour_s
  FROM listed
  WHERE
    choice = 1
), contact AS (
  SELECT
    h.*,
    p.two_way,
    CASE
      WHEN h.known_port > 0 OR h.port < p.high_port OR h.hour_connections >= p.connections
      THEN 1
      ELSE 0
    END AS asked,
    CASE
      WHEN h.hour_s >= p.contact_s AND h.hour_sampled_packets >= p.contact_packets
      THEN 1
      ELSE 0
    END AS repeated
  FROM hour AS h
  JOIN params AS p
    ON p.line = h.line
  WHERE
    h.hour_packets >= p.contact_packets
    AND (
      (
        h.protocol = 6 AND h.hour_began_packets < p.began_share * h.hour_packets
      )
      OR (
        h.protocol = 17 AND (
          p.two_way = 0 OR h.hour_answered_packets > 0
        )
      )
    )
), met AS (
  SELECT
    *,
    MAX(asked * repeated) OVER (
      PARTITION BY line, target_hi, target_lo, port, protocol
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN CURRENT ROW AND 3000000 following
    ) AS acts
  FROM contact
  WHERE
    known_port > 0
    OR asked * repeated = 1
    OR (
      asked + repeated > 0
      AND (
        protocol = 17 OR hour_connections > 0 OR hour_packets > 1.5 * hour_sampled_packets
      )
    )
), street AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    target_lo,
    target_hi,
    port,
    protocol,
    packets
  FROM met
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

