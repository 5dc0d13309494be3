-- screen
SELECT
  (
    login_packets > 0
  ) AS brute_force
FROM line_window;

-- suspects
SELECT
  line
FROM line_target
WHERE
  protocol = 6
  AND port IN (
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
  port
HAVING
  SUM(CAST(sampled_packets AS DOUBLE)) >= 20
  AND GREATEST(
    SUM(CAST(connections AS DOUBLE)),
    CASE
      WHEN SUM(CAST(packets AS DOUBLE)) >= 1.5 * SUM(CAST(sampled_packets AS DOUBLE))
      THEN SUM(CAST(packets AS DOUBLE)) / 40
      ELSE 0
    END
  ) >= CASE
    WHEN port IN (23, 2323)
    THEN 20
    WHEN port IN (22, 445, 2222, 3389, 5900)
    THEN 60
    WHEN port IN (1433, 3306, 5432)
    THEN 600
    ELSE 900
  END
  AND SUM(CAST(connections AS DOUBLE)) * 40 >= 0.1 * SUM(CAST(packets AS DOUBLE));

-- candidates
WITH login AS (
  SELECT
    t.line,
    t.block_start_ms,
    t.target_hi,
    t.target_lo,
    t.port,
    t.packets,
    t.octets,
    t.records,
    t.sampled_packets,
    t.connections,
    t.answered_packets,
    t.answered_reset_packets AS refused_packets,
    t.syn_packets
  FROM line_target AS t
  WHERE
    t.protocol = 6
    AND t.port IN (
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
    AND t.packets > 0
), short AS (
  SELECT
    l.*
  FROM login AS l
  JOIN params AS p
    ON p.line = l.line
  WHERE
    l.octets <= p.octets_most * l.packets
    AND (
      l.sampled_packets < p.packets_most OR l.packets <= p.packets_most * l.connections
    )
    AND (
      l.syn_packets < l.packets OR l.packets >= 1.5 * l.sampled_packets
    )
), ends AS (
  SELECT
    line,
    block_start_ms,
    port
  FROM short
  GROUP BY
    line,
    block_start_ms,
    port
), address AS (
  SELECT
    e.line,
    e.block_start_ms,
    s.port,
    s.target_lo,
    SUM(CAST(s.packets AS DOUBLE)) AS packets,
    SUM(CAST(s.octets AS DOUBLE)) AS octets,
    SUM(CAST(s.records AS DOUBLE)) AS records,
    SUM(CAST(s.sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(s.connections AS DOUBLE)) AS connections,
    SUM(CAST(s.answered_packets AS DOUBLE)) AS answered_packets,
    SUM(CAST(s.refused_packets AS DOUBLE)) AS refused_packets
  FROM ends AS e
  JOIN short AS s
    ON s.line = e.line
    AND s.port = e.port
    AND s.block_start_ms BETWEEN e.block_start_ms - 3000000 AND e.block_start_ms
  GROUP BY
    e.line,
    e.block_start_ms,
    s.port,
    s.target_lo
), likely_10min AS (
  SELECT
    a.line,
    a.block_start_ms,
    a.port,
    a.target_lo,
    a.packets,
    a.sampled_packets,
    a.records,
    a.connections,
    a.answered_packets,
    a.refused_packets,
    CASE
      WHEN a.sampled_packets >= p.sampled
      AND a.connections * a.sampled_packets >= p.sure_connections * a.packets
      AND a.packets >= p.packets_least * a.connections
      AND a.packets <= p.packets_most * a.connections
      AND (
        p.two_way = 0
        OR (
          a.answered_packets >= p.answered * a.packets
          AND a.refused_packets <= p.refused * a.answered_packets
        )
      )
      THEN CASE
        WHEN a.packets < 1.5 * a.sampled_packets
        THEN a.connections
        ELSE GREATEST(
          a.connections - 2 * SQRT(a.connections * a.packets / a.sampled_packets),
          CASE
            WHEN a.records >= p.separate * a.sampled_packets
            THEN a.packets / p.packets_most
            ELSE 0
          END
        )
      END
      ELSE 0
    END AS sure_connections
  FROM short AS a
  JOIN params AS p
    ON p.line = a.line
), door_10min AS (
  SELECT
    line,
    block_start_ms,
    port,
    COUNT(*) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(connections AS DOUBLE)) AS connections,
    SUM(CAST(answered_packets AS DOUBLE)) AS answered_packets,
    SUM(CAST(refused_packets AS DOUBLE)) AS refused_packets,
    MAX(sure_connections) AS sure_connections
  FROM likely_10min
  GROUP BY
    line,
    block_start_ms,
    port
), average_10min AS (
  SELECT
    d.line,
    d.block_start_ms,
    d.port,
    d.targets,
    d.sure_connections,
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
    END AS likely_connections,
    CASE
      WHEN d.sampled_packets >= p.sampled
      AND d.connections * d.sampled_packets >= p.connections_seen * d.packets
      AND d.packets >= p.packets_least * d.connections
      AND d.packets <= p.packets_most * d.connections
      AND (
        p.two_way = 0
        OR (
          d.answered_packets >= p.answered * d.packets
          AND d.refused_packets <= p.refused * d.answered_packets
        )
      )
      THEN 1
      ELSE 0
    END AS short,
    CASE WHEN d.sampled_packets >= p.packets_a_target * d.targets THEN 1 ELSE 0 END AS counted
  FROM door_10min AS d
  JOIN params AS p
    ON p.line = d.line
), likely_60min AS (
  SELECT
    a.line,
    a.block_start_ms,
    a.port,
    a.target_lo,
    a.packets,
    a.sampled_packets,
    a.records,
    a.connections,
    a.answered_packets,
    a.refused_packets,
    CASE
      WHEN a.sampled_packets >= p.sampled
      AND a.connections * a.sampled_packets >= p.sure_connections * a.packets
      AND a.packets >= p.packets_least * a.connections
      AND a.packets <= p.packets_most * a.connections
      AND (
        p.two_way = 0
        OR (
          a.answered_packets >= p.answered * a.packets
          AND a.refused_packets <= p.refused * a.answered_packets
        )
      )
      THEN CASE
        WHEN a.packets < 1.5 * a.sampled_packets
        THEN a.connections
        ELSE GREATEST(
          a.connections - 2 * SQRT(a.connections * a.packets / a.sampled_packets),
          CASE
            WHEN a.records >= p.separate * a.sampled_packets
            THEN a.packets / p.packets_most
            ELSE 0
          END
        )
      END
      ELSE 0
    END AS sure_connections
  FROM address AS a
  JOIN params AS p
    ON p.line = a.line
), door_60min AS (
  SELECT
    line,
    block_start_ms,
    port,
    COUNT(*) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(connections AS DOUBLE)) AS connections,
    SUM(CAST(answered_packets AS DOUBLE)) AS answered_packets,
    SUM(CAST(refused_packets AS DOUBLE)) AS refused_packets,
    MAX(sure_connections) AS sure_connections
  FROM likely_60min
  GROUP BY
    line,
    block_start_ms,
    port
), average_60min AS (
  SELECT
    d.line,
    d.block_start_ms,
    d.port,
    d.targets,
    d.sure_connections,
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
    END AS likely_connections,
    CASE
      WHEN d.sampled_packets >= p.sampled
      AND d.connections * d.sampled_packets >= p.connections_seen * d.packets
      AND d.packets >= p.packets_least * d.connections
      AND d.packets <= p.packets_most * d.connections
      AND (
        p.two_way = 0
        OR (
          d.answered_packets >= p.answered * d.packets
          AND d.refused_packets <= p.refused * d.answered_packets
        )
      )
      THEN 1
      ELSE 0
    END AS short,
    CASE WHEN d.sampled_packets >= p.packets_a_target * d.targets THEN 1 ELSE 0 END AS counted
  FROM door_60min AS d
  JOIN params AS p
    ON p.line = d.line
), judged AS (
  SELECT
    b.line,
    b.block_start_ms,
    b.port,
    b.targets,
    b.likely_connections,
    CASE
      WHEN b.port IN (23, 2323)
      THEN p.telnet_10min
      WHEN b.port IN (22, 445, 2222, 3389, 5900)
      THEN p.remote_10min
      WHEN b.port IN (1433, 3306, 5432)
      THEN p.database_10min
      ELSE p.transfer_10min
    END AS enough_10min,
    CASE
      WHEN b.port IN (23, 2323)
      THEN p.telnet_60min
      WHEN b.port IN (22, 445, 2222, 3389, 5900)
      THEN p.remote_60min
      WHEN b.port IN (1433, 3306, 5432)
      THEN p.database_60min
      ELSE p.transfer_60min
    END AS enough_60min,
    GREATEST(b.sure_connections, b.short * b.counted * b.likely_connections / b.targets) AS an_address,
    CASE
      WHEN GREATEST(b.sure_connections, b.short * b.counted * b.likely_connections / b.targets) >= CASE
        WHEN b.port IN (23, 2323)
        THEN p.telnet_10min
        WHEN b.port IN (22, 445, 2222, 3389, 5900)
        THEN p.remote_10min
        WHEN b.port IN (1433, 3306, 5432)
        THEN p.database_10min
        ELSE p.transfer_10min
      END
      OR b.short * b.likely_connections >= p.any_10min
      THEN 1
      ELSE 0
    END AS in_block,
    CASE
      WHEN GREATEST(h.sure_connections, h.short * h.counted * h.likely_connections / h.targets) >= CASE
        WHEN b.port IN (23, 2323)
        THEN p.telnet_60min
        WHEN b.port IN (22, 445, 2222, 3389, 5900)
        THEN p.remote_60min
        WHEN b.port IN (1433, 3306, 5432)
        THEN p.database_60min
        ELSE p.transfer_60min
      END
      THEN 1
      ELSE 0
    END AS in_hour
  FROM average_10min AS b
  JOIN average_60min AS h
    ON h.line = b.line AND h.block_start_ms = b.block_start_ms AND h.port = b.port
  JOIN params AS p
    ON p.line = b.line
), flagged AS (
  SELECT
    *,
    MAX(in_hour) OVER (
      PARTITION BY line, port
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN CURRENT ROW AND 3000000 following
    ) AS within_hour
  FROM judged
), forced AS (
  SELECT
    *
  FROM flagged
  WHERE
    in_block = 1 OR within_hour = 1
), whole AS (
  SELECT
    line,
    block_start_ms,
    SUM(CAST(packets AS DOUBLE)) AS packets
  FROM login
  GROUP BY
    line,
    block_start_ms
), part AS (
  SELECT
    f.line,
    f.block_start_ms,
    SUM(CAST(s.packets AS DOUBLE)) AS packets,
    SUM(CAST(s.octets AS DOUBLE)) AS octets,
    SUM(CAST(s.sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(s.answered_packets AS DOUBLE)) AS answered_packets
  FROM forced AS f
  JOIN short AS s
    ON s.line = f.line AND s.block_start_ms = f.block_start_ms AND s.port = f.port
  GROUP BY
    f.line,
    f.block_start_ms
), named AS (
  SELECT
    line,
    block_start_ms,
    MAX_BY(port, likely_connections * 65536 + port) AS main_port,
    MAX_BY(enough_10min, likely_connections * 65536 + port) AS enough_10min,
    MAX_BY(enough_60min, likely_connections * 65536 + port) AS enough_60min,
    SUM(CAST(likely_connections AS DOUBLE)) AS connections,
    SUM(CAST(targets AS DOUBLE)) AS targets,
    MAX(an_address) AS connections_an_address
  FROM forced
  GROUP BY
    line,
    block_start_ms
), guess AS (
  SELECT
    w.line,
    w.window_start_ms,
    w.login_packets * s.packets / a.packets AS packets,
    s.octets / s.packets AS mean_octets,
    w.sampled_packets / w.packets AS sampled_share,
    w.packets_var / w.packets AS var_share,
    n.main_port,
    n.connections,
    n.targets,
    n.connections_an_address,
    s.answered_packets / s.packets AS answered_share,
    s.sampled_packets AS block_sampled_packets,
    p.two_way,
    n.enough_10min AS opens_connections_10min,
    n.enough_60min AS opens_connections_60min,
    p.any_10min AS opens_any_10min,
    p.packets_most AS opens_packets_most
  FROM line_window AS w
  JOIN named AS n
    ON n.line = w.line AND n.block_start_ms = w.window_start_ms DIV 600000 * 600000
  JOIN part AS s
    ON s.line = n.line AND s.block_start_ms = n.block_start_ms
  JOIN whole AS a
    ON a.line = n.line AND a.block_start_ms = n.block_start_ms
  JOIN params AS p
    ON p.line = w.line
  WHERE
    w.side = 0 AND w.login_packets > 0
)
SELECT
  line,
  window_start_ms,
  1 AS opens,
  packets,
  packets * mean_octets AS octets,
  packets * sampled_share AS sampled_packets,
  packets * var_share AS packets_var,
  packets * var_share * mean_octets * mean_octets AS octets_var,
  main_port,
  connections,
  targets,
  connections_an_address,
  answered_share,
  two_way,
  block_sampled_packets,
  opens_connections_10min,
  opens_connections_60min,
  opens_any_10min,
  opens_packets_most
FROM guess;

-- targets
WITH login AS (
  SELECT
    t.line,
    t.block_start_ms,
    t.target_hi,
    t.target_lo,
    t.port,
    t.packets,
    t.octets,
    t.records,
    t.sampled_packets,
    t.connections,
    t.answered_packets,
    t.answered_reset_packets AS refused_packets,
    t.syn_packets
  FROM line_target AS t
  WHERE
    t.protocol = 6
    AND t.port IN (
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
    AND t.packets > 0
), short AS (
  SELECT
    l.*
  FROM login AS l
  JOIN params AS p
    ON p.line = l.line
  WHERE
    l.octets <= p.octets_most * l.packets
    AND (
      l.sampled_packets < p.packets_most OR l.packets <= p.packets_most * l.connections
    )
    AND (
      l.syn_packets < l.packets OR l.packets >= 1.5 * l.sampled_packets
    )
), ends AS (
  SELECT
    line,
    block_start_ms,
    port
  FROM short
  GROUP BY
    line,
    block_start_ms,
    port
), address AS (
  SELECT
    e.line,
    e.block_start_ms,
    s.port,
    s.target_lo,
    SUM(CAST(s.packets AS DOUBLE)) AS packets,
    SUM(CAST(s.octets AS DOUBLE)) AS octets,
    SUM(CAST(s.records AS DOUBLE)) AS records,
    SUM(CAST(s.sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(s.connections AS DOUBLE)) AS connections,
    SUM(CAST(s.answered_packets AS DOUBLE)) AS answered_packets,
    SUM(CAST(s.refused_packets AS DOUBLE)) AS refused_packets
  FROM ends AS e
  JOIN short AS s
    ON s.line = e.line
    AND s.port = e.port
    AND s.block_start_ms BETWEEN e.block_start_ms - 3000000 AND e.block_start_ms
  GROUP BY
    e.line,
    e.block_start_ms,
    s.port,
    s.target_lo
), likely_10min AS (
  SELECT
    a.line,
    a.block_start_ms,
    a.port,
    a.target_lo,
    a.packets,
    a.sampled_packets,
    a.records,
    a.connections,
    a.answered_packets,
    a.refused_packets,
    CASE
      WHEN a.sampled_packets >= p.sampled
      AND a.connections * a.sampled_packets >= p.sure_connections * a.packets
      AND a.packets >= p.packets_least * a.connections
      AND a.packets <= p.packets_most * a.connections
      AND (
        p.two_way = 0
        OR (
          a.answered_packets >= p.answered * a.packets
          AND a.refused_packets <= p.refused * a.answered_packets
        )
      )
      THEN CASE
        WHEN a.packets < 1.5 * a.sampled_packets
        THEN a.connections
        ELSE GREATEST(
          a.connections - 2 * SQRT(a.connections * a.packets / a.sampled_packets),
          CASE
            WHEN a.records >= p.separate * a.sampled_packets
            THEN a.packets / p.packets_most
            ELSE 0
          END
        )
      END
      ELSE 0
    END AS sure_connections
  FROM short AS a
  JOIN params AS p
    ON p.line = a.line
), door_10min AS (
  SELECT
    line,
    block_start_ms,
    port,
    COUNT(*) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(connections AS DOUBLE)) AS connections,
    SUM(CAST(answered_packets AS DOUBLE)) AS answered_packets,
    SUM(CAST(refused_packets AS DOUBLE)) AS refused_packets,
    MAX(sure_connections) AS sure_connections
  FROM likely_10min
  GROUP BY
    line,
    block_start_ms,
    port
), average_10min AS (
  SELECT
    d.line,
    d.block_start_ms,
    d.port,
    d.targets,
    d.sure_connections,
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
    END AS likely_connections,
    CASE
      WHEN d.sampled_packets >= p.sampled
      AND d.connections * d.sampled_packets >= p.connections_seen * d.packets
      AND d.packets >= p.packets_least * d.connections
      AND d.packets <= p.packets_most * d.connections
      AND (
        p.two_way = 0
        OR (
          d.answered_packets >= p.answered * d.packets
          AND d.refused_packets <= p.refused * d.answered_packets
        )
      )
      THEN 1
      ELSE 0
    END AS short,
    CASE WHEN d.sampled_packets >= p.packets_a_target * d.targets THEN 1 ELSE 0 END AS counted
  FROM door_10min AS d
  JOIN params AS p
    ON p.line = d.line
), likely_60min AS (
  SELECT
    a.line,
    a.block_start_ms,
    a.port,
    a.target_lo,
    a.packets,
    a.sampled_packets,
    a.records,
    a.connections,
    a.answered_packets,
    a.refused_packets,
    CASE
      WHEN a.sampled_packets >= p.sampled
      AND a.connections * a.sampled_packets >= p.sure_connections * a.packets
      AND a.packets >= p.packets_least * a.connections
      AND a.packets <= p.packets_most * a.connections
      AND (
        p.two_way = 0
        OR (
          a.answered_packets >= p.answered * a.packets
          AND a.refused_packets <= p.refused * a.answered_packets
        )
      )
      THEN CASE
        WHEN a.packets < 1.5 * a.sampled_packets
        THEN a.connections
        ELSE GREATEST(
          a.connections - 2 * SQRT(a.connections * a.packets / a.sampled_packets),
          CASE
            WHEN a.records >= p.separate * a.sampled_packets
            THEN a.packets / p.packets_most
            ELSE 0
          END
        )
      END
      ELSE 0
    END AS sure_connections
  FROM address AS a
  JOIN params AS p
    ON p.line = a.line
), door_60min AS (
  SELECT
    line,
    block_start_ms,
    port,
    COUNT(*) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(connections AS DOUBLE)) AS connections,
    SUM(CAST(answered_packets AS DOUBLE)) AS answered_packets,
    SUM(CAST(refused_packets AS DOUBLE)) AS refused_packets,
    MAX(sure_connections) AS sure_connections
  FROM likely_60min
  GROUP BY
    line,
    block_start_ms,
    port
), average_60min AS (
  SELECT
    d.line,
    d.block_start_ms,
    d.port,
    d.targets,
    d.sure_connections,
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
    END AS likely_connections,
    CASE
      WHEN d.sampled_packets >= p.sampled
      AND d.connections * d.sampled_packets >= p.connections_seen * d.packets
      AND d.packets >= p.packets_least * d.connections
      AND d.packets <= p.packets_most * d.connections
      AND (
        p.two_way = 0
        OR (
          d.answered_packets >= p.answered * d.packets
          AND d.refused_packets <= p.refused * d.answered_packets
        )
      )
      THEN 1
      ELSE 0
    END AS short,
    CASE WHEN d.sampled_packets >= p.packets_a_target * d.targets THEN 1 ELSE 0 END AS counted
  FROM door_60min AS d
  JOIN params AS p
    ON p.line = d.line
), judged AS (
  SELECT
    b.line,
    b.block_start_ms,
    b.port,
    b.targets,
    b.likely_connections,
    CASE
      WHEN b.port IN (23, 2323)
      THEN p.telnet_10min
      WHEN b.port IN (22, 445, 2222, 3389, 5900)
      THEN p.remote_10min
      WHEN b.port IN (1433, 3306, 5432)
      THEN p.database_10min
      ELSE p.transfer_10min
    END AS enough_10min,
    CASE
      WHEN b.port IN (23, 2323)
      THEN p.telnet_60min
      WHEN b.port IN (22, 445, 2222, 3389, 5900)
      THEN p.remote_60min
      WHEN b.port IN (1433, 3306, 5432)
      THEN p.database_60min
      ELSE p.transfer_60min
    END AS enough_60min,
    GREATEST(b.sure_connections, b.short * b.counted * b.likely_connections / b.targets) AS an_address,
    CASE
      WHEN GREATEST(b.sure_connections, b.short * b.counted * b.likely_connections / b.targets) >= CASE
        WHEN b.port IN (23, 2323)
        THEN p.telnet_10min
        WHEN b.port IN (22, 445, 2222, 3389, 5900)
        THEN p.remote_10min
        WHEN b.port IN (1433, 3306, 5432)
        THEN p.database_10min
        ELSE p.transfer_10min
      END
      OR b.short * b.likely_connections >= p.any_10min
      THEN 1
      ELSE 0
    END AS in_block,
    CASE
      WHEN GREATEST(h.sure_connections, h.short * h.counted * h.likely_connections / h.targets) >= CASE
        WHEN b.port IN (23, 2323)
        THEN p.telnet_60min
        WHEN b.port IN (22, 445, 2222, 3389, 5900)
        THEN p.remote_60min
        WHEN b.port IN (1433, 3306, 5432)
        THEN p.database_60min
        ELSE p.transfer_60min
      END
      THEN 1
      ELSE 0
    END AS in_hour
  FROM average_10min AS b
  JOIN average_60min AS h
    ON h.line = b.line AND h.block_start_ms = b.block_start_ms AND h.port = b.port
  JOIN params AS p
    ON p.line = b.line
), flagged AS (
  SELECT
    *,
    MAX(in_hour) OVER (
      PARTITION BY line, port
      ORDER BY block_start_ms NULLS LAST
      range BETWEEN CURRENT ROW AND 3000000 following
    ) AS within_hour
  FROM judged
), forced AS (
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
  port,
  6 AS protocol,
  packets,
  targets
FROM (
  SELECT
    s.line,
    s.block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    s.port,
    SUM(CAST(s.packets AS DOUBLE)) AS packets,
    MAX(f.targets) AS targets
  FROM short AS s
  JOIN forced AS f
    ON f.line = s.line AND f.block_start_ms = s.block_start_ms AND f.port = s.port
  GROUP BY
    s.line,
    s.block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END,
    s.port
) AS n;

