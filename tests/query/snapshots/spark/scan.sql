-- screen
SELECT
  (
    syn_packets > 0
  ) AS scan
FROM line_window;

-- suspects
WITH pair AS (
  SELECT
    t.line,
    t.block_start_ms,
    t.port,
    t.target_lo,
    CASE
      WHEN t.syn_sampled_packets >= 0.8 * t.sampled_packets
      AND t.syn_sampled_packets > 0
      AND t.answered_syn_ack_packets = 0
      THEN 1
      ELSE 0
    END AS probe
  FROM line_target AS t
  WHERE
    t.protocol = 6 AND t.port <> 25
)
SELECT
  p.line
FROM pair AS p
JOIN (
  SELECT
    line,
    port
  FROM pair
  WHERE
    probe = 1
  GROUP BY
    line,
    port
  HAVING
    COUNT(*) >= LEAST(8, 10)
) AS k
  ON k.line = p.line AND k.port = p.port
GROUP BY
  p.line,
  p.block_start_ms,
  p.port
HAVING
  SUM(CAST(p.probe AS DOUBLE)) > 0
  AND SUM(CAST(p.probe AS DOUBLE)) >= 2 * SUM(CAST(1 - p.probe AS DOUBLE))
UNION ALL
SELECT
  p.line
FROM pair AS p
JOIN (
  SELECT
    line,
    target_lo
  FROM pair
  WHERE
    probe = 1
  GROUP BY
    line,
    target_lo
  HAVING
    COUNT(*) >= LEAST(8, 10)
) AS k
  ON k.line = p.line AND k.target_lo = p.target_lo
GROUP BY
  p.line,
  p.block_start_ms,
  p.target_lo
HAVING
  SUM(CAST(p.probe AS DOUBLE)) > 0
  AND SUM(CAST(p.probe AS DOUBLE)) >= 2 * SUM(CAST(1 - p.probe AS DOUBLE));

-- candidates
WITH pair AS (
  SELECT
    t.line,
    t.block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    t.target_lo,
    t.port,
    t.syn_packets,
    t.syn_sampled_packets,
    p.syn_a_network,
    p.probes_10min,
    CASE
      WHEN t.syn_sampled_packets >= 0.8 * t.sampled_packets
      AND t.syn_sampled_packets > 0
      AND t.answered_syn_ack_packets = 0
      THEN 1
      ELSE 0
    END AS probe
  FROM line_target AS t
  JOIN params AS p
    ON p.line = t.line
  WHERE
    t.protocol = 6
), street AS (
  SELECT
    line,
    block_start_ms,
    network,
    port,
    SUM(CAST(probe AS DOUBLE)) AS probes,
    COUNT(*) AS pairs,
    SUM(CAST(syn_packets AS DOUBLE)) AS syn_packets,
    SUM(CAST(syn_sampled_packets AS DOUBLE)) AS syn_sampled_packets,
    CASE
      WHEN SUM(CAST(syn_packets AS DOUBLE)) > MAX(syn_a_network)
      AND SUM(CAST(syn_sampled_packets AS DOUBLE)) >= MAX(probes_10min)
      AND (
        network BETWEEN 281470681743360 AND 281474976710655
        OR SUM(CAST(syn_sampled_packets AS DOUBLE)) >= 4 * COUNT(*)
      )
      THEN 1
      ELSE 0
    END AS crowded
  FROM pair
  GROUP BY
    line,
    block_start_ms,
    network,
    port
), doors AS (
  SELECT
    line,
    block_start_ms,
    0 AS vertical,
    port AS door,
    0 AS network,
    SUM(CAST(CASE WHEN crowded = 1 THEN 0 ELSE probes END AS DOUBLE)) AS probes,
    SUM(CAST(pairs - probes AS DOUBLE)) AS others,
    SUM(CAST(syn_packets AS DOUBLE)) AS syn_packets,
    SUM(CAST(syn_sampled_packets AS DOUBLE)) AS syn_sampled_packets
  FROM street
  GROUP BY
    line,
    block_start_ms,
    port
  UNION ALL
  SELECT
    line,
    block_start_ms,
    1 AS vertical,
    target_lo AS door,
    MAX(network) AS network,
    SUM(CAST(probe AS DOUBLE)) AS probes,
    SUM(CAST(1 - probe AS DOUBLE)) AS others,
    SUM(CAST(syn_packets AS DOUBLE)) AS syn_packets,
    SUM(CAST(syn_sampled_packets AS DOUBLE)) AS syn_sampled_packets
  FROM pair
  GROUP BY
    line,
    block_start_ms,
    target_lo
), whole AS (
  SELECT
    line,
    vertical,
    block_start_ms,
    SUM(CAST(probes AS DOUBLE)) AS all_probes,
    SUM(CAST(syn_packets AS DOUBLE)) AS all_syn
  FROM doors
  GROUP BY
    line,
    vertical,
    block_start_ms
), knocked AS (
  SELECT
    d.line,
    d.vertical,
    d.door
  FROM doors AS d
  JOIN params AS p
    ON p.line = d.line
  GROUP BY
    d.line,
    d.vertical,
    d.door,
    p.probes_10min,
    p.probes_60min
  HAVING
    SUM(CAST(d.probes AS DOUBLE)) >= LEAST(p.probes_10min, p.probes_60min)
), hour AS (
  SELECT
    d.*,
    w.all_probes,
    w.all_syn,
    d.syn_packets / GREATEST(d.syn_sampled_packets, 1e-9) AS scale,
    SUM(CAST(d.probes AS DOUBLE)) OVER (
      PARTITION BY d.line, d.vertical, d.door
      ORDER BY d.block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_probes,
    SUM(CAST(d.others AS DOUBLE)) OVER (
      PARTITION BY d.line, d.vertical, d.door
      ORDER BY d.block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_others
  FROM doors AS d
  JOIN knocked AS k
    ON k.line = d.line AND k.vertical = d.vertical AND k.door = d.door
  JOIN whole AS w
    ON w.line = d.line
    AND w.vertical = d.vertical
    AND w.block_start_ms = d.block_start_ms
), judged AS (
  SELECT
    d.*,
    CASE
      WHEN d.vertical = 1
      THEN p.ports_10min
      WHEN d.door IN (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
      THEN p.device_targets_10min
      WHEN d.door IN (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
      THEN p.ordinary_targets_10min
      ELSE p.any_targets_10min
    END AS enough_10min,
    CASE
      WHEN d.vertical = 1
      THEN p.ports_60min
      WHEN d.door IN (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
      THEN p.device_targets_60min
      WHEN d.door IN (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
      THEN p.ordinary_targets_60min
      ELSE p.any_targets_60min
    END AS enough_60min,
    CASE
      WHEN d.probes < p.probes_10min
      OR d.probes < p.probes_an_other * d.others
      OR d.probes * d.scale < CASE
        WHEN d.vertical = 1
        THEN p.ports_10min
        WHEN d.door IN (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
        THEN p.device_targets_10min
        WHEN d.door IN (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
        THEN p.ordinary_targets_10min
        ELSE p.any_targets_10min
      END
      THEN 0
      ELSE 1
    END AS in_block,
    CASE
      WHEN d.hour_probes < p.probes_60min
      OR d.hour_probes < p.probes_an_other * d.hour_others
      OR d.hour_probes * d.scale < CASE
        WHEN d.vertical = 1
        THEN p.ports_60min
        WHEN d.door IN (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
        THEN p.device_targets_60min
        WHEN d.door IN (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
        THEN p.ordinary_targets_60min
        ELSE p.any_targets_60min
      END
      THEN 0
      ELSE 1
    END AS in_hour
  FROM hour AS d
  JOIN params AS p
    ON p.line = d.line
  WHERE
    d.probes > 0
    AND (
      d.vertical = 1 OR d.door <> 25
    )
    AND (
      d.vertical = 0 OR d.syn_packets <= p.syn_an_address
    )
    AND (
      d.vertical = 1
      OR d.door IN (
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
      OR d.probes >= p.any_port_share * d.all_probes
    )
), flagged AS (
  SELECT
    *,
    MAX(in_hour) OVER (
      PARTITION BY line, vertical, door
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN CURRENT ROW AND 3000000 following
    ) AS within_hour
  FROM judged
), scanned AS (
  SELECT
    *
  FROM flagged
  WHERE
    in_block = 1 OR within_hour = 1
), evidence AS (
  SELECT
    line,
    block_start_ms,
    LEAST(SUM(CAST(syn_packets AS DOUBLE)) / GREATEST(MAX(all_syn), 1e-9), 1) AS share,
    MAX(CASE WHEN vertical = 0 THEN probes ELSE 1 END) AS targets,
    MAX(CASE WHEN vertical = 1 THEN probes ELSE 1 END) AS ports,
    COALESCE(MAX_BY(door, probes * 65536 + door) FILTER(WHERE
      vertical = 0), 0) AS main_port,
    COALESCE(MAX_BY(enough_10min, probes * 65536 + door) FILTER(WHERE
      vertical = 0), 0) AS opens_targets_10min,
    COALESCE(MAX_BY(enough_60min, probes * 65536 + door) FILTER(WHERE
      vertical = 0), 0) AS opens_targets_60min,
    COALESCE(MAX(enough_10min) FILTER(WHERE
      vertical = 1), 0) AS opens_ports_10min,
    COALESCE(MAX(enough_60min) FILTER(WHERE
      vertical = 1), 0) AS opens_ports_60min,
    MAX(probes * scale) AS likely_doors,
    SUM(CAST(syn_sampled_packets AS DOUBLE)) AS block_sampled_packets
  FROM scanned
  GROUP BY
    line,
    block_start_ms
)
SELECT
  e.line,
  w.window_start_ms,
  1 AS opens,
  w.syn_packets * e.share AS packets,
  w.syn_octets * e.share AS octets,
  w.sampled_packets * w.syn_packets / w.packets * e.share AS sampled_packets,
  w.packets_var * w.syn_packets / w.packets * e.share AS packets_var,
  w.packets_var * w.syn_octets / w.packets * e.share * w.syn_octets / w.syn_packets AS octets_var,
  e.targets,
  e.ports,
  e.main_port,
  e.likely_doors,
  e.block_sampled_packets,
  p.two_way,
  e.opens_targets_10min,
  e.opens_targets_60min,
  e.opens_ports_10min,
  e.opens_ports_60min,
  p.probes_an_other AS opens_probes_an_other
FROM line_window AS w
JOIN evidence AS e
  ON e.line = w.line AND e.block_start_ms = w.window_start_ms DIV 600000 * 600000
JOIN params AS p
  ON p.line = w.line
WHERE
  w.side = 0 AND w.syn_packets > 0;

-- targets
WITH pair AS (
  SELECT
    t.line,
    t.block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    t.target_lo,
    t.port,
    t.syn_packets,
    t.syn_sampled_packets,
    p.syn_a_network,
    p.probes_10min,
    CASE
      WHEN t.syn_sampled_packets >= 0.8 * t.sampled_packets
      AND t.syn_sampled_packets > 0
      AND t.answered_syn_ack_packets = 0
      THEN 1
      ELSE 0
    END AS probe
  FROM line_target AS t
  JOIN params AS p
    ON p.line = t.line
  WHERE
    t.protocol = 6
), street AS (
  SELECT
    line,
    block_start_ms,
    network,
    port,
    SUM(CAST(probe AS DOUBLE)) AS probes,
    COUNT(*) AS pairs,
    SUM(CAST(syn_packets AS DOUBLE)) AS syn_packets,
    SUM(CAST(syn_sampled_packets AS DOUBLE)) AS syn_sampled_packets,
    CASE
      WHEN SUM(CAST(syn_packets AS DOUBLE)) > MAX(syn_a_network)
      AND SUM(CAST(syn_sampled_packets AS DOUBLE)) >= MAX(probes_10min)
      AND (
        network BETWEEN 281470681743360 AND 281474976710655
        OR SUM(CAST(syn_sampled_packets AS DOUBLE)) >= 4 * COUNT(*)
      )
      THEN 1
      ELSE 0
    END AS crowded
  FROM pair
  GROUP BY
    line,
    block_start_ms,
    network,
    port
), doors AS (
  SELECT
    line,
    block_start_ms,
    0 AS vertical,
    port AS door,
    0 AS network,
    SUM(CAST(CASE WHEN crowded = 1 THEN 0 ELSE probes END AS DOUBLE)) AS probes,
    SUM(CAST(pairs - probes AS DOUBLE)) AS others,
    SUM(CAST(syn_packets AS DOUBLE)) AS syn_packets,
    SUM(CAST(syn_sampled_packets AS DOUBLE)) AS syn_sampled_packets
  FROM street
  GROUP BY
    line,
    block_start_ms,
    port
  UNION ALL
  SELECT
    line,
    block_start_ms,
    1 AS vertical,
    target_lo AS door,
    MAX(network) AS network,
    SUM(CAST(probe AS DOUBLE)) AS probes,
    SUM(CAST(1 - probe AS DOUBLE)) AS others,
    SUM(CAST(syn_packets AS DOUBLE)) AS syn_packets,
    SUM(CAST(syn_sampled_packets AS DOUBLE)) AS syn_sampled_packets
  FROM pair
  GROUP BY
    line,
    block_start_ms,
    target_lo
), whole AS (
  SELECT
    line,
    vertical,
    block_start_ms,
    SUM(CAST(probes AS DOUBLE)) AS all_probes,
    SUM(CAST(syn_packets AS DOUBLE)) AS all_syn
  FROM doors
  GROUP BY
    line,
    vertical,
    block_start_ms
), knocked AS (
  SELECT
    d.line,
    d.vertical,
    d.door
  FROM doors AS d
  JOIN params AS p
    ON p.line = d.line
  GROUP BY
    d.line,
    d.vertical,
    d.door,
    p.probes_10min,
    p.probes_60min
  HAVING
    SUM(CAST(d.probes AS DOUBLE)) >= LEAST(p.probes_10min, p.probes_60min)
), hour AS (
  SELECT
    d.*,
    w.all_probes,
    w.all_syn,
    d.syn_packets / GREATEST(d.syn_sampled_packets, 1e-9) AS scale,
    SUM(CAST(d.probes AS DOUBLE)) OVER (
      PARTITION BY d.line, d.vertical, d.door
      ORDER BY d.block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_probes,
    SUM(CAST(d.others AS DOUBLE)) OVER (
      PARTITION BY d.line, d.vertical, d.door
      ORDER BY d.block_start_ms NULLS LAST
      range BETWEEN 3000000 preceding AND CURRENT ROW
    ) AS hour_others
  FROM doors AS d
  JOIN knocked AS k
    ON k.line = d.line AND k.vertical = d.vertical AND k.door = d.door
  JOIN whole AS w
    ON w.line = d.line
    AND w.vertical = d.vertical
    AND w.block_start_ms = d.block_start_ms
), judged AS (
  SELECT
    d.*,
    CASE
      WHEN d.vertical = 1
      THEN p.ports_10min
      WHEN d.door IN (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
      THEN p.device_targets_10min
      WHEN d.door IN (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
      THEN p.ordinary_targets_10min
      ELSE p.any_targets_10min
    END AS enough_10min,
    CASE
      WHEN d.vertical = 1
      THEN p.ports_60min
      WHEN d.door IN (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
      THEN p.device_targets_60min
      WHEN d.door IN (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
      THEN p.ordinary_targets_60min
      ELSE p.any_targets_60min
    END AS enough_60min,
    CASE
      WHEN d.probes < p.probes_10min
      OR d.probes < p.probes_an_other * d.others
      OR d.probes * d.scale < CASE
        WHEN d.vertical = 1
        THEN p.ports_10min
        WHEN d.door IN (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
        THEN p.device_targets_10min
        WHEN d.door IN (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
        THEN p.ordinary_targets_10min
        ELSE p.any_targets_10min
      END
      THEN 0
      ELSE 1
    END AS in_block,
    CASE
      WHEN d.hour_probes < p.probes_60min
      OR d.hour_probes < p.probes_an_other * d.hour_others
      OR d.hour_probes * d.scale < CASE
        WHEN d.vertical = 1
        THEN p.ports_60min
        WHEN d.door IN (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
        THEN p.device_targets_60min
        WHEN d.door IN (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
        THEN p.ordinary_targets_60min
        ELSE p.any_targets_60min
      END
      THEN 0
      ELSE 1
    END AS in_hour
  FROM hour AS d
  JOIN params AS p
    ON p.line = d.line
  WHERE
    d.probes > 0
    AND (
      d.vertical = 1 OR d.door <> 25
    )
    AND (
      d.vertical = 0 OR d.syn_packets <= p.syn_an_address
    )
    AND (
      d.vertical = 1
      OR d.door IN (
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
      OR d.probes >= p.any_port_share * d.all_probes
    )
), flagged AS (
  SELECT
    *,
    MAX(in_hour) OVER (
      PARTITION BY line, vertical, door
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN CURRENT ROW AND 3000000 following
    ) AS within_hour
  FROM judged
), scanned AS (
  SELECT
    *
  FROM flagged
  WHERE
    in_block = 1 OR within_hour = 1
), named AS (
  SELECT
    s.line,
    s.block_start_ms,
    s.syn_packets AS packets,
    d.probes AS targets,
    d.door AS port,
    CASE
      WHEN s.probes * 10 >= d.probes AND s.probes >= 3
      THEN s.network
      WHEN s.network BETWEEN 281470681743360 AND 281474976710655
      THEN 281470681743360
      ELSE 0
    END AS network,
    CASE WHEN s.probes * 10 >= d.probes AND s.probes >= 3 THEN 0 ELSE 1 END AS unnamed
  FROM street AS s
  JOIN scanned AS d
    ON d.line = s.line
    AND d.block_start_ms = s.block_start_ms
    AND d.vertical = 0
    AND d.door = s.port
  WHERE
    s.probes > 0 AND s.crowded = 0
  UNION ALL
  SELECT
    line,
    block_start_ms,
    syn_packets AS packets,
    1 AS targets,
    0 AS port,
    network,
    0 AS unnamed
  FROM scanned
  WHERE
    vertical = 1
)
SELECT
  line,
  block_start_ms,
  network_hi,
  network_lo,
  CASE WHEN unnamed = 0 THEN network_bits WHEN network_bits = 120 THEN 96 ELSE 0 END AS network_bits,
  port,
  6 AS protocol,
  SUM(CAST(packets AS DOUBLE)) AS packets,
  MAX(targets) AS targets
FROM (
  SELECT
    *,
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
    CASE WHEN network BETWEEN 281470681743360 AND 281474976710655 THEN 120 ELSE 48 END AS network_bits
  FROM named
) AS n
GROUP BY
  line,
  block_start_ms,
  network_hi,
  network_lo,
  network_bits,
  port,
  unnamed;

