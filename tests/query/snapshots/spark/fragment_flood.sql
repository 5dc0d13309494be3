-- screen
SELECT
  (
    fragment_packets >= 5 * 400
  ) AS fragment_flood
FROM line_window;

-- suspects
SELECT
  line
FROM line_target
GROUP BY
  line,
  CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
HAVING
  SUM(CAST(fragment_packets AS DOUBLE)) >= 10 * 800
  AND SUM(CAST(answered_packets AS DOUBLE)) * 100 <= SUM(CAST(packets AS DOUBLE));

-- candidates
WITH pair AS (
  SELECT
    t.line,
    t.block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    t.target_hi,
    t.target_lo,
    t.port,
    t.protocol,
    t.first_ms,
    t.last_ms,
    t.packets AS all_packets,
    t.connections,
    t.fragment_packets AS packets,
    t.fragment_packets AS volume,
    t.answered_packets AS answered_packets,
    (
      t.fragment_packets
    ) / GREATEST(t.packets, 1e-9) AS part,
    t.octets,
    t.records,
    t.sampled_packets
  FROM line_target AS t
  JOIN params AS p
    ON p.line = t.line
  WHERE
    t.protocol >= 0
), lately AS (
  SELECT
    t.line,
    t.block_start_ms + 600000 * b.earlier AS block_start_ms,
    t.network,
    COUNT(CASE WHEN t.packets > 0 THEN 1 END) AS pairs,
    COUNT(DISTINCT CASE WHEN t.packets > 0 THEN t.port END) AS ports,
    GREATEST(
      COUNT(DISTINCT CASE WHEN t.packets > 0 THEN t.target_lo END),
      COUNT(DISTINCT CASE WHEN t.packets > 0 THEN t.target_hi END)
    ) AS targets,
    MAX(CASE WHEN t.packets > 0 THEN t.port END) AS port,
    MAX(CASE WHEN t.packets > 0 THEN t.protocol END) AS protocol,
    MIN(CASE WHEN t.packets > 0 THEN t.first_ms END) AS first_ms,
    MAX(CASE WHEN t.packets > 0 THEN t.last_ms END) AS last_ms,
    SUM(CAST(t.all_packets AS DOUBLE)) AS all_packets,
    SUM(CAST(t.connections AS DOUBLE)) AS connections,
    SUM(CAST(t.packets AS DOUBLE)) AS packets,
    SUM(CAST(t.octets * t.part AS DOUBLE)) AS octets,
    SUM(CAST(t.records * t.part AS DOUBLE)) AS records,
    SUM(CAST(t.sampled_packets * t.part AS DOUBLE)) AS sampled_packets,
    SUM(CAST(t.answered_packets AS DOUBLE)) AS answered_packets,
    SUM(CAST(CASE WHEN t.volume > 0 THEN 1 - b.earlier ELSE 0 END AS DOUBLE)) AS own_pairs,
    SUM(CAST((
      1 - b.earlier
    ) * t.packets AS DOUBLE)) AS own_packets,
    SUM(CAST((
      1 - b.earlier
    ) * t.volume AS DOUBLE)) AS own_volume,
    SUM(CAST((
      1 - b.earlier
    ) * t.answered_packets AS DOUBLE)) AS own_answered,
    MIN(CASE WHEN b.earlier = 0 AND t.packets > 0 THEN t.first_ms END) AS own_first_ms,
    MAX(CASE WHEN b.earlier = 0 AND t.packets > 0 THEN t.last_ms END) AS own_last_ms
  FROM pair AS t
  JOIN (
    SELECT
      0 AS earlier
    UNION ALL
    SELECT
      1 AS earlier
  ) AS b
    ON b.earlier >= 0
  GROUP BY
    t.line,
    t.block_start_ms + 600000 * b.earlier,
    t.network
), paired AS (
  SELECT
    *,
    SUM(CAST(own_volume AS DOUBLE)) OVER (PARTITION BY line, block_start_ms) AS paired_sent,
    SUM(CAST(own_pairs AS DOUBLE)) OVER (PARTITION BY line, block_start_ms) AS all_pairs,
    SUM(CAST(own_answered AS DOUBLE)) OVER (PARTITION BY line, block_start_ms) AS paired_received,
    MIN(first_ms) OVER (PARTITION BY line, network) AS network_from_ms
  FROM lately
  WHERE
    own_pairs > 0
), counted AS (
  SELECT
    w.line,
    w.window_start_ms DIV 600000 * 600000 AS block_start_ms,
    MAX(CASE WHEN w.side = 0 THEN w.fragment_packets ELSE 0 END) / 10 AS highest_pps,
    SUM(CAST(CASE WHEN w.side = 0 THEN w.fragment_packets ELSE 0 END AS DOUBLE)) AS sent,
    SUM(CAST(CASE WHEN w.side = 1 THEN 0 ELSE 0 END AS DOUBLE)) AS received
  FROM line_window AS w
  GROUP BY
    w.line,
    w.window_start_ms DIV 600000 * 600000
), unmatched AS (
  SELECT
    c.line,
    c.block_start_ms,
    GREATEST(c.received - COALESCE(a.packets, 0), 0) AS packets
  FROM counted AS c
  LEFT JOIN (
    SELECT
      line,
      block_start_ms,
      SUM(CAST(answered_packets AS DOUBLE)) AS packets
    FROM pair
    GROUP BY
      line,
      block_start_ms
  ) AS a
    ON a.line = c.line AND a.block_start_ms = c.block_start_ms
), seen AS (
  SELECT
    line,
    MIN(first_ms) AS seen_from_ms
  FROM line_target
  GROUP BY
    line
), rest AS (
  SELECT
    line,
    block_start_ms,
    records,
    first_ms AS rest_from_ms,
    last_ms AS rest_until_ms
  FROM line_target
  WHERE
    protocol = -1
), left_out AS (
  SELECT
    n.line,
    n.network,
    n.block_start_ms,
    GREATEST(c.sent - n.paired_sent, 0) AS left_out,
    LEAST(
      GREATEST(c.sent - n.paired_sent, 0),
      COALESCE(r.records * n.packets / NULLIF(n.records, 0), c.sent)
    ) AS alike,
    COALESCE(r.rest_from_ms, n.block_start_ms) AS rest_from_ms,
    COALESCE(r.rest_until_ms, n.block_start_ms + 600000) AS rest_until_ms
  FROM paired AS n
  JOIN counted AS c
    ON c.line = n.line AND c.block_start_ms = n.block_start_ms
  LEFT JOIN rest AS r
    ON r.line = n.line AND r.block_start_ms = n.block_start_ms
), shape AS (
  SELECT
    n.*,
    c.sent,
    c.highest_pps,
    l.left_out,
    l.alike,
    l.rest_from_ms,
    l.rest_until_ms,
    l.alike * n.own_pairs / n.all_pairs AS own_left_out,
    n.packets + l.alike * n.own_pairs / n.all_pairs AS likely_packets,
    c.received - n.paired_received AS unmatched_packets,
    GREATEST(c.received - n.paired_received, 0) + COALESCE(u.packets, 0) AS unmatched_lately,
    n.packets * 1000.0 / GREATEST(n.last_ms - n.first_ms, 10000) AS mean_pps,
    n.sampled_packets * 1000.0 / GREATEST(n.last_ms - n.first_ms, 10000) AS sampled_pps,
    n.network_from_ms - f.seen_from_ms AS silent_before_ms
  FROM paired AS n
  JOIN counted AS c
    ON c.line = n.line AND c.block_start_ms = n.block_start_ms
  JOIN left_out AS l
    ON l.line = n.line AND l.network = n.network AND l.block_start_ms = n.block_start_ms
  JOIN seen AS f
    ON f.line = n.line
  LEFT JOIN unmatched AS u
    ON u.line = n.line AND u.block_start_ms = n.block_start_ms - 600000
), flooded AS (
  SELECT
    s.line,
    s.network,
    s.block_start_ms,
    CASE
      WHEN two_way = 1
      AND likely_packets >= 10 * pps_10s
      AND answered_packets * packets_an_answer <= all_packets
      AND sampled_packets * answers >= answers_missed
      THEN pps_10s
      WHEN two_way = 1
      AND likely_packets >= 10 * pps_10s
      AND answered_packets * packets_an_answer <= all_packets
      AND sampled_packets >= sampled
      AND packets >= share * all_packets
      THEN pps_10s
      WHEN two_way = 0
      AND likely_packets >= 10 * pps_10s
      AND sampled_packets >= sampled
      AND packets >= share * all_packets
      THEN one_way_pps
    END AS enough_10s,
    CASE
      WHEN two_way = 1
      AND likely_packets >= 10 * pps_10s
      AND answered_packets * packets_an_answer <= all_packets
      AND sampled_packets * answers >= answers_missed
      THEN pps_60s
      WHEN two_way = 1
      AND likely_packets >= 10 * pps_10s
      AND answered_packets * packets_an_answer <= all_packets
      AND sampled_packets >= sampled
      AND packets >= share * all_packets
      THEN pps_60s
      WHEN two_way = 0
      AND likely_packets >= 10 * pps_10s
      AND sampled_packets >= sampled
      AND packets >= share * all_packets
      THEN one_way_pps
    END AS enough_60s,
    0 AS lasting,
    1 AS acts
  FROM shape AS s
  JOIN params AS p
    ON p.line = s.line
  WHERE
    s.packets > 0
    AND (
      (
        two_way = 1
        AND likely_packets >= 10 * pps_10s
        AND answered_packets * packets_an_answer <= all_packets
        AND sampled_packets * answers >= answers_missed
      )
      OR (
        two_way = 1
        AND likely_packets >= 10 * pps_10s
        AND answered_packets * packets_an_answer <= all_packets
        AND sampled_packets >= sampled
        AND packets >= share * all_packets
      )
      OR (
        two_way = 0
        AND likely_packets >= 10 * pps_10s
        AND sampled_packets >= sampled
        AND packets >= share * all_packets
      )
    )
), blocks AS (
  SELECT
    d.line,
    d.network,
    d.block_start_ms - 600000 * b.earlier AS block_start_ms,
    MIN(d.enough_10s) AS enough_10s,
    MIN(d.enough_60s) AS enough_60s,
    MIN(d.lasting) AS lasting,
    MAX(d.acts) AS acts
  FROM flooded AS d
  JOIN (
    SELECT
      0 AS earlier
    UNION ALL
    SELECT
      1 AS earlier
  ) AS b
    ON b.earlier >= 0
  GROUP BY
    d.line,
    d.network,
    d.block_start_ms - 600000 * b.earlier
), hit AS (
  SELECT
    s.*,
    k.enough_10s,
    k.enough_60s,
    k.lasting,
    k.acts
  FROM shape AS s
  JOIN blocks AS k
    ON k.line = s.line AND k.network = s.network AND k.block_start_ms = s.block_start_ms
  WHERE
    s.packets > 0
), evidence AS (
  SELECT
    h.line,
    h.block_start_ms,
    MAX(p.two_way) AS two_way,
    MAX(p.sustain) AS sustain,
    10 * MIN(h.enough_10s) AS enough_10s,
    60 * MIN(h.enough_60s) AS enough_60s,
    MIN(h.lasting) AS lasting,
    MAX(h.acts) AS acts,
    MAX(p.packets_an_answer) AS opens_packets_an_answer,
    MIN(h.own_first_ms) AS first_ms,
    MAX(h.own_last_ms) AS last_ms,
    MIN(h.left_out - h.alike) AS other_packets,
    MAX(h.rest_from_ms) AS rest_from_ms,
    MAX(h.rest_until_ms) AS rest_until_ms,
    MAX(h.alike) / GREATEST(MAX(h.sent) - MIN(h.left_out - h.alike), 1e-9) * (
      1 - SUM(CAST(h.own_pairs AS DOUBLE)) / MAX(h.all_pairs)
    ) AS alike_share,
    SUM(CAST(h.own_volume + h.own_left_out AS DOUBLE)) AS packets,
    SUM(CAST(h.octets AS DOUBLE)) / SUM(CAST(h.packets AS DOUBLE)) AS mean_octets,
    SUM(CAST(h.sampled_packets AS DOUBLE)) AS block_sampled_packets,
    SUM(CAST(h.pairs AS DOUBLE)) AS pairs,
    SUM(CAST(h.targets AS DOUBLE)) AS targets,
    MAX(h.ports) AS ports,
    SUM(CAST(h.records AS DOUBLE)) / SUM(CAST(h.sampled_packets AS DOUBLE)) AS flows_a_sampled_packet,
    SUM(CAST(h.answered_packets AS DOUBLE)) / SUM(CAST(h.packets AS DOUBLE)) AS answered_share
  FROM hit AS h
  JOIN params AS p
    ON p.line = h.line
  GROUP BY
    h.line,
    h.block_start_ms
), elsewhere AS (
  SELECT
    w.line,
    w.window_start_ms,
    SUM(
      CAST(t.volume * (
        LEAST(t.last_ms + 1, w.window_start_ms + 10000) - GREATEST(t.first_ms, w.window_start_ms)
      ) / (
        t.last_ms + 1 - t.first_ms
      ) AS DOUBLE)
    ) AS packets
  FROM line_window AS w
  JOIN evidence AS e
    ON e.line = w.line AND e.block_start_ms = w.window_start_ms DIV 600000 * 600000
  JOIN pair AS t
    ON t.line = w.line
    AND t.block_start_ms = e.block_start_ms
    AND t.first_ms < w.window_start_ms + 10000
    AND t.last_ms >= w.window_start_ms
  LEFT JOIN hit AS h
    ON h.line = t.line AND h.network = t.network AND h.block_start_ms = t.block_start_ms
  WHERE
    w.side = 0 AND h.line IS NULL
  GROUP BY
    w.line,
    w.window_start_ms
), flood AS (
  SELECT
    w.window_start_ms,
    e.*,
    w.sampled_packets / w.packets AS sampled_share,
    w.packets_var / w.packets AS var_share,
    LEAST(
      (
        w.fragment_packets - e.other_packets * GREATEST(
          LEAST(e.rest_until_ms + 1, w.window_start_ms + 10000) - GREATEST(e.rest_from_ms, w.window_start_ms),
          0
        ) / (
          e.rest_until_ms + 1 - e.rest_from_ms
        )
      ) * (
        1 - e.alike_share
      ) - COALESCE(o.packets, 0),
      e.packets
    ) AS flood_packets
  FROM line_window AS w
  JOIN evidence AS e
    ON e.line = w.line AND e.block_start_ms = w.window_start_ms DIV 600000 * 600000
  LEFT JOIN elsewhere AS o
    ON o.line = w.line AND o.window_start_ms = w.window_start_ms
  WHERE
    w.side = 0
    AND w.packets > 0
    AND w.window_start_ms <= e.last_ms
    AND w.window_start_ms + 10000 > e.first_ms
), rated AS (
  SELECT
    *,
    flood_packets / enough_10s AS rate_10s,
    6 * flood_packets / enough_60s AS share_60s,
    SUM(CAST(GREATEST(flood_packets, 0) AS DOUBLE)) OVER (PARTITION BY line, window_start_ms DIV 60000) / enough_60s AS rate_60s
  FROM flood
), kept AS (
  SELECT
    *,
    SUM(CAST(CASE WHEN rate_10s >= sustain THEN 1 ELSE 0 END AS DOUBLE)) OVER (
      PARTITION BY line
      ORDER BY window_start_ms NULLS LAST
      range BETWEEN 110000 preceding AND CURRENT ROW
    ) AS run
  FROM rated
  WHERE
    flood_packets > 0
    AND (
      rate_10s >= sustain OR (
        rate_60s >= sustain AND share_60s >= sustain
      )
    )
), lasted AS (
  SELECT
    *,
    MAX(run) OVER (
      PARTITION BY line
      ORDER BY window_start_ms NULLS LAST
      range BETWEEN CURRENT ROW AND 110000 following
    ) AS longest_run
  FROM kept
)
SELECT
  line,
  window_start_ms,
  acts,
  CASE
    WHEN rate_10s >= 1 OR (
      rate_60s >= 1 AND share_60s >= sustain
    )
    THEN 1
    ELSE 0
  END AS opens,
  flood_packets AS packets,
  flood_packets * mean_octets AS octets,
  flood_packets * sampled_share AS sampled_packets,
  flood_packets * var_share AS packets_var,
  flood_packets * var_share * mean_octets * mean_octets AS octets_var,
  mean_octets,
  pairs,
  targets,
  ports,
  flows_a_sampled_packet,
  answered_share,
  two_way,
  block_sampled_packets,
  enough_10s / 10 AS opens_pps_10s,
  enough_60s / 60 AS opens_pps_60s,
  lasting * 120 AS opens_lasting_s,
  opens_packets_an_answer
FROM lasted
WHERE
  lasting = 0 OR longest_run >= 12;

-- targets
WITH pair AS (
  SELECT
    t.line,
    t.block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    t.target_hi,
    t.target_lo,
    t.port,
    t.protocol,
    t.first_ms,
    t.last_ms,
    t.packets AS all_packets,
    t.connections,
    t.fragment_packets AS packets,
    t.fragment_packets AS volume,
    t.answered_packets AS answered_packets,
    (
      t.fragment_packets
    ) / GREATEST(t.packets, 1e-9) AS part,
    t.octets,
    t.records,
    t.sampled_packets
  FROM line_target AS t
  JOIN params AS p
    ON p.line = t.line
  WHERE
    t.protocol >= 0
), lately AS (
  SELECT
    t.line,
    t.block_start_ms + 600000 * b.earlier AS block_start_ms,
    t.network,
    COUNT(CASE WHEN t.packets > 0 THEN 1 END) AS pairs,
    COUNT(DISTINCT CASE WHEN t.packets > 0 THEN t.port END) AS ports,
    GREATEST(
      COUNT(DISTINCT CASE WHEN t.packets > 0 THEN t.target_lo END),
      COUNT(DISTINCT CASE WHEN t.packets > 0 THEN t.target_hi END)
    ) AS targets,
    MAX(CASE WHEN t.packets > 0 THEN t.port END) AS port,
    MAX(CASE WHEN t.packets > 0 THEN t.protocol END) AS protocol,
    MIN(CASE WHEN t.packets > 0 THEN t.first_ms END) AS first_ms,
    MAX(CASE WHEN t.packets > 0 THEN t.last_ms END) AS last_ms,
    SUM(CAST(t.all_packets AS DOUBLE)) AS all_packets,
    SUM(CAST(t.connections AS DOUBLE)) AS connections,
    SUM(CAST(t.packets AS DOUBLE)) AS packets,
    SUM(CAST(t.octets * t.part AS DOUBLE)) AS octets,
    SUM(CAST(t.records * t.part AS DOUBLE)) AS records,
    SUM(CAST(t.sampled_packets * t.part AS DOUBLE)) AS sampled_packets,
    SUM(CAST(t.answered_packets AS DOUBLE)) AS answered_packets,
    SUM(CAST(CASE WHEN t.volume > 0 THEN 1 - b.earlier ELSE 0 END AS DOUBLE)) AS own_pairs,
    SUM(CAST((
      1 - b.earlier
    ) * t.packets AS DOUBLE)) AS own_packets,
    SUM(CAST((
      1 - b.earlier
    ) * t.volume AS DOUBLE)) AS own_volume,
    SUM(CAST((
      1 - b.earlier
    ) * t.answered_packets AS DOUBLE)) AS own_answered,
    MIN(CASE WHEN b.earlier = 0 AND t.packets > 0 THEN t.first_ms END) AS own_first_ms,
    MAX(CASE WHEN b.earlier = 0 AND t.packets > 0 THEN t.last_ms END) AS own_last_ms
  FROM pair AS t
  JOIN (
    SELECT
      0 AS earlier
    UNION ALL
    SELECT
      1 AS earlier
  ) AS b
    ON b.earlier >= 0
  GROUP BY
    t.line,
    t.block_start_ms + 600000 * b.earlier,
    t.network
), paired AS (
  SELECT
    *,
    SUM(CAST(own_volume AS DOUBLE)) OVER (PARTITION BY line, block_start_ms) AS paired_sent,
    SUM(CAST(own_pairs AS DOUBLE)) OVER (PARTITION BY line, block_start_ms) AS all_pairs,
    SUM(CAST(own_answered AS DOUBLE)) OVER (PARTITION BY line, block_start_ms) AS paired_received,
    MIN(first_ms) OVER (PARTITION BY line, network) AS network_from_ms
  FROM lately
  WHERE
    own_pairs > 0
), counted AS (
  SELECT
    w.line,
    w.window_start_ms DIV 600000 * 600000 AS block_start_ms,
    MAX(CASE WHEN w.side = 0 THEN w.fragment_packets ELSE 0 END) / 10 AS highest_pps,
    SUM(CAST(CASE WHEN w.side = 0 THEN w.fragment_packets ELSE 0 END AS DOUBLE)) AS sent,
    SUM(CAST(CASE WHEN w.side = 1 THEN 0 ELSE 0 END AS DOUBLE)) AS received
  FROM line_window AS w
  GROUP BY
    w.line,
    w.window_start_ms DIV 600000 * 600000
), unmatched AS (
  SELECT
    c.line,
    c.block_start_ms,
    GREATEST(c.received - COALESCE(a.packets, 0), 0) AS packets
  FROM counted AS c
  LEFT JOIN (
    SELECT
      line,
      block_start_ms,
      SUM(CAST(answered_packets AS DOUBLE)) AS packets
    FROM pair
    GROUP BY
      line,
      block_start_ms
  ) AS a
    ON a.line = c.line AND a.block_start_ms = c.block_start_ms
), seen AS (
  SELECT
    line,
    MIN(first_ms) AS seen_from_ms
  FROM line_target
  GROUP BY
    line
), rest AS (
  SELECT
    line,
    block_start_ms,
    records,
    first_ms AS rest_from_ms,
    last_ms AS rest_until_ms
  FROM line_target
  WHERE
    protocol = -1
), left_out AS (
  SELECT
    n.line,
    n.network,
    n.block_start_ms,
    GREATEST(c.sent - n.paired_sent, 0) AS left_out,
    LEAST(
      GREATEST(c.sent - n.paired_sent, 0),
      COALESCE(r.records * n.packets / NULLIF(n.records, 0), c.sent)
    ) AS alike,
    COALESCE(r.rest_from_ms, n.block_start_ms) AS rest_from_ms,
    COALESCE(r.rest_until_ms, n.block_start_ms + 600000) AS rest_until_ms
  FROM paired AS n
  JOIN counted AS c
    ON c.line = n.line AND c.block_start_ms = n.block_start_ms
  LEFT JOIN rest AS r
    ON r.line = n.line AND r.block_start_ms = n.block_start_ms
), shape AS (
  SELECT
    n.*,
    c.sent,
    c.highest_pps,
    l.left_out,
    l.alike,
    l.rest_from_ms,
    l.rest_until_ms,
    l.alike * n.own_pairs / n.all_pairs AS own_left_out,
    n.packets + l.alike * n.own_pairs / n.all_pairs AS likely_packets,
    c.received - n.paired_received AS unmatched_packets,
    GREATEST(c.received - n.paired_received, 0) + COALESCE(u.packets, 0) AS unmatched_lately,
    n.packets * 1000.0 / GREATEST(n.last_ms - n.first_ms, 10000) AS mean_pps,
    n.sampled_packets * 1000.0 / GREATEST(n.last_ms - n.first_ms, 10000) AS sampled_pps,
    n.network_from_ms - f.seen_from_ms AS silent_before_ms
  FROM paired AS n
  JOIN counted AS c
    ON c.line = n.line AND c.block_start_ms = n.block_start_ms
  JOIN left_out AS l
    ON l.line = n.line AND l.network = n.network AND l.block_start_ms = n.block_start_ms
  JOIN seen AS f
    ON f.line = n.line
  LEFT JOIN unmatched AS u
    ON u.line = n.line AND u.block_start_ms = n.block_start_ms - 600000
), flooded AS (
  SELECT
    s.line,
    s.network,
    s.block_start_ms,
    CASE
      WHEN two_way = 1
      AND likely_packets >= 10 * pps_10s
      AND answered_packets * packets_an_answer <= all_packets
      AND sampled_packets * answers >= answers_missed
      THEN pps_10s
      WHEN two_way = 1
      AND likely_packets >= 10 * pps_10s
      AND answered_packets * packets_an_answer <= all_packets
      AND sampled_packets >= sampled
      AND packets >= share * all_packets
      THEN pps_10s
      WHEN two_way = 0
      AND likely_packets >= 10 * pps_10s
      AND sampled_packets >= sampled
      AND packets >= share * all_packets
      THEN one_way_pps
    END AS enough_10s,
    CASE
      WHEN two_way = 1
      AND likely_packets >= 10 * pps_10s
      AND answered_packets * packets_an_answer <= all_packets
      AND sampled_packets * answers >= answers_missed
      THEN pps_60s
      WHEN two_way = 1
      AND likely_packets >= 10 * pps_10s
      AND answered_packets * packets_an_answer <= all_packets
      AND sampled_packets >= sampled
      AND packets >= share * all_packets
      THEN pps_60s
      WHEN two_way = 0
      AND likely_packets >= 10 * pps_10s
      AND sampled_packets >= sampled
      AND packets >= share * all_packets
      THEN one_way_pps
    END AS enough_60s,
    0 AS lasting,
    1 AS acts
  FROM shape AS s
  JOIN params AS p
    ON p.line = s.line
  WHERE
    s.packets > 0
    AND (
      (
        two_way = 1
        AND likely_packets >= 10 * pps_10s
        AND answered_packets * packets_an_answer <= all_packets
        AND sampled_packets * answers >= answers_missed
      )
      OR (
        two_way = 1
        AND likely_packets >= 10 * pps_10s
        AND answered_packets * packets_an_answer <= all_packets
        AND sampled_packets >= sampled
        AND packets >= share * all_packets
      )
      OR (
        two_way = 0
        AND likely_packets >= 10 * pps_10s
        AND sampled_packets >= sampled
        AND packets >= share * all_packets
      )
    )
), blocks AS (
  SELECT
    d.line,
    d.network,
    d.block_start_ms - 600000 * b.earlier AS block_start_ms,
    MIN(d.enough_10s) AS enough_10s,
    MIN(d.enough_60s) AS enough_60s,
    MIN(d.lasting) AS lasting,
    MAX(d.acts) AS acts
  FROM flooded AS d
  JOIN (
    SELECT
      0 AS earlier
    UNION ALL
    SELECT
      1 AS earlier
  ) AS b
    ON b.earlier >= 0
  GROUP BY
    d.line,
    d.network,
    d.block_start_ms - 600000 * b.earlier
), hit AS (
  SELECT
    s.*,
    k.enough_10s,
    k.enough_60s,
    k.lasting,
    k.acts
  FROM shape AS s
  JOIN blocks AS k
    ON k.line = s.line AND k.network = s.network AND k.block_start_ms = s.block_start_ms
  WHERE
    s.packets > 0
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
  0 AS port,
  protocol,
  own_volume + own_left_out AS packets,
  targets
FROM hit;

