-- screen
SELECT
  (
    reflector_packets >= 5 * 40
  ) AS reflection
FROM line_window;

-- suspects
SELECT
  line
FROM line_target
WHERE
  own_port <> 0
GROUP BY
  line,
  block_start_ms,
  own_port
HAVING
  SUM(CAST(sampled_packets AS DOUBLE)) >= 20
  AND SUM(CAST(packets AS DOUBLE)) >= 10 * 100;

-- candidates
WITH client AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    own_port,
    packets,
    octets,
    records,
    sampled_packets,
    answered_packets,
    answered_octets,
    first_ms,
    last_ms
  FROM line_target
  WHERE
    protocol = 17 AND own_port <> 0
), later AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    SUM(CAST(fragment_packets AS DOUBLE)) AS fragments,
    SUM(CAST(octets * fragment_packets / packets AS DOUBLE)) AS fragment_octets
  FROM line_target
  WHERE
    protocol = 17 AND own_port = 0 AND fragment_packets > 0
  GROUP BY
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
), network AS (
  SELECT
    line,
    block_start_ms,
    network,
    own_port,
    COUNT(*) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(octets AS DOUBLE)) AS octets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(answered_packets AS DOUBLE)) AS asked_packets,
    SUM(CAST(answered_octets AS DOUBLE)) AS asked_octets,
    GREATEST(MAX(last_ms) - MIN(first_ms), 10000) AS lasted_ms
  FROM client
  GROUP BY
    line,
    block_start_ms,
    network,
    own_port
), shape AS (
  SELECT
    n.*,
    COALESCE(l.fragments, 0) AS fragments,
    COALESCE(l.fragment_octets, 0) AS fragment_octets
  FROM network AS n
  LEFT JOIN later AS l
    ON l.line = n.line AND l.block_start_ms = n.block_start_ms AND l.network = n.network
), victim AS (
  SELECT
    s.*,
    CASE
      WHEN s.sampled_packets < p.sampled
      OR s.packets < 10 * p.pps_10s
      OR s.octets < s.packets * CASE WHEN s.own_port = 53 THEN p.dns_octets ELSE p.answer_octets END
      OR s.asked_octets * p.amplification > s.octets
      OR (
        p.two_way = 1 AND s.asked_packets = 0 AND s.sampled_packets >= p.questions_missed
      )
      THEN 0
      WHEN (
        s.records >= p.scattered_records
        AND s.records * 10000.0 >= p.scattered_pace * LEAST(s.targets, 4) * s.lasted_ms
      )
      OR (
        s.packets >= 1.5 * s.sampled_packets
        AND s.records >= p.separate * s.sampled_packets
        AND s.sampled_packets * 10000.0 >= p.separate_pace * LEAST(s.targets, 4) * s.lasted_ms
      )
      OR s.fragments >= p.fragments_each * s.packets
      OR (
        s.octets < p.bulk_octets * s.packets AND (
          p.two_way = 1 OR s.own_port < 1024
        )
      )
      OR (
        p.two_way = 1
        AND s.asked_packets >= p.answers_each * s.packets
        AND s.sampled_packets >= p.answers_each_sampled
      )
      OR (
        p.two_way = 1
        AND s.packets * 1000.0 >= p.feed_pps * s.lasted_ms
        AND s.asked_packets <= p.feed_answers * s.packets
      )
      THEN 1
      ELSE 0
    END AS hit
  FROM shape AS s
  JOIN params AS p
    ON p.line = s.line
), service AS (
  SELECT
    line,
    block_start_ms,
    own_port,
    SUM(CAST(hit AS DOUBLE)) AS hits,
    SUM(CAST(1 - hit AS DOUBLE)) AS others
  FROM victim
  GROUP BY
    line,
    block_start_ms,
    own_port
), reflected AS (
  SELECT
    v.*
  FROM victim AS v
  JOIN service AS s
    ON s.line = v.line
    AND s.block_start_ms = v.block_start_ms
    AND s.own_port = v.own_port
  JOIN params AS p
    ON p.line = v.line
  WHERE
    v.hit = 1 AND (
      v.own_port < 1024 OR s.others <= p.other_clients * s.hits
    )
), whole AS (
  SELECT
    n.line,
    n.block_start_ms,
    SUM(CAST(n.packets AS DOUBLE)) AS packets,
    SUM(CAST(n.octets AS DOUBLE)) AS octets
  FROM network AS n
  GROUP BY
    n.line,
    n.block_start_ms
), whole_later AS (
  SELECT
    line,
    block_start_ms,
    SUM(CAST(fragments AS DOUBLE)) AS fragments
  FROM later
  GROUP BY
    line,
    block_start_ms
), named AS (
  SELECT
    line,
    block_start_ms,
    MAX_BY(own_port, packets * 65536 + own_port) AS service_port
  FROM (
    SELECT
      line,
      block_start_ms,
      own_port,
      SUM(CAST(packets AS DOUBLE)) AS packets
    FROM reflected
    GROUP BY
      line,
      block_start_ms,
      own_port
  ) AS s
  GROUP BY
    line,
    block_start_ms
), hit AS (
  SELECT
    line,
    block_start_ms,
    network,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(octets AS DOUBLE)) AS octets,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(asked_octets AS DOUBLE)) AS asked_octets,
    MAX(targets) AS targets,
    MAX(fragments) AS fragments,
    MAX(fragment_octets) AS fragment_octets,
    MAX(lasted_ms) AS lasted_ms
  FROM reflected
  GROUP BY
    line,
    block_start_ms,
    network
), summed AS (
  SELECT
    line,
    block_start_ms,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(octets AS DOUBLE)) AS octets,
    SUM(CAST(sampled_packets AS DOUBLE)) AS block_sampled_packets,
    SUM(CAST(targets AS DOUBLE)) AS targets,
    SUM(CAST(fragments AS DOUBLE)) AS fragments,
    MAX(lasted_ms) AS lasted_ms,
    SUM(CAST(octets + fragment_octets AS DOUBLE)) / NULLIF(SUM(CAST(asked_octets AS DOUBLE)), 0) AS amplification
  FROM hit
  GROUP BY
    line,
    block_start_ms
), evidence AS (
  SELECT
    s.line,
    s.block_start_ms,
    n.service_port,
    s.block_sampled_packets,
    s.targets,
    s.lasted_ms,
    COALESCE(s.amplification, 0) AS amplification,
    s.packets / w.packets AS share,
    s.octets / w.octets AS octets_share,
    COALESCE(s.fragments / f.fragments, 0) AS fragments_share
  FROM summed AS s
  JOIN named AS n
    ON n.line = s.line AND n.block_start_ms = s.block_start_ms
  JOIN whole AS w
    ON w.line = s.line AND w.block_start_ms = s.block_start_ms
  LEFT JOIN whole_later AS f
    ON f.line = s.line AND f.block_start_ms = s.block_start_ms
), answer AS (
  SELECT
    w.line,
    w.window_start_ms,
    e.service_port,
    e.block_sampled_packets,
    e.targets,
    e.amplification,
    p.two_way,
    p.sustain,
    10 * p.pps_10s AS enough_10s,
    60 * p.pps_60s AS enough_60s,
    e.lasted_ms,
    p.pps_10s AS opens_pps_10s,
    p.pps_60s AS opens_pps_60s,
    p.amplification AS opens_amplification,
    CASE WHEN e.service_port = 53 THEN p.dns_octets ELSE p.answer_octets END AS opens_mean_octets,
    w.reflector_packets * e.share AS answers,
    w.packets_var * w.reflector_packets / w.packets * e.share AS answers_var,
    w.reflector_packets * e.share + w.fragment_packets * e.fragments_share AS packets,
    w.reflector_octets * e.octets_share + w.fragment_octets * e.fragments_share AS octets,
    w.sampled_packets / w.packets AS sampled_share,
    w.packets_var / w.packets AS var_share
  FROM line_window AS w
  JOIN evidence AS e
    ON e.line = w.line AND e.block_start_ms = w.window_start_ms DIV 600000 * 600000
  JOIN params AS p
    ON p.line = w.line
  WHERE
    w.side = 0 AND w.reflector_packets > 0
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
      answers AS counted,
      answers_var AS counted_var,
      SUM(CAST(answers AS DOUBLE)) OVER (PARTITION BY line, window_start_ms DIV 60000) AS minute,
      SUM(CAST(answers_var AS DOUBLE)) OVER (PARTITION BY line, window_start_ms DIV 60000) AS minute_var,
      SUM(CAST(answers AS DOUBLE)) OVER (PARTITION BY line, window_start_ms DIV 600000) AS block,
      SUM(CAST(answers_var AS DOUBLE)) OVER (PARTITION BY line, window_start_ms DIV 600000) AS block_var,
      enough_60s * GREATEST(lasted_ms, 60000) / 60000 AS enough_block
    FROM answer
  ) AS w
)
SELECT
  line,
  window_start_ms,
  CASE WHEN sure_rate >= 1 THEN 1 ELSE 0 END AS opens,
  packets,
  octets,
  packets * sampled_share AS sampled_packets,
  packets * var_share AS packets_var,
  octets * (
    octets / packets
  ) * var_share AS octets_var,
  service_port,
  amplification,
  targets,
  octets / packets AS mean_octets,
  two_way,
  block_sampled_packets,
  opens_pps_10s,
  opens_pps_60s,
  opens_mean_octets,
  opens_amplification
FROM rated
WHERE
  rate >= sustain;

-- targets
WITH client AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    own_port,
    packets,
    octets,
    records,
    sampled_packets,
    answered_packets,
    answered_octets,
    first_ms,
    last_ms
  FROM line_target
  WHERE
    protocol = 17 AND own_port <> 0
), later AS (
  SELECT
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END AS network,
    SUM(CAST(fragment_packets AS DOUBLE)) AS fragments,
    SUM(CAST(octets * fragment_packets / packets AS DOUBLE)) AS fragment_octets
  FROM line_target
  WHERE
    protocol = 17 AND own_port = 0 AND fragment_packets > 0
  GROUP BY
    line,
    block_start_ms,
    CASE WHEN target_hi = 0 THEN target_lo & -256 ELSE target_hi & -65536 END
), network AS (
  SELECT
    line,
    block_start_ms,
    network,
    own_port,
    COUNT(*) AS targets,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    SUM(CAST(octets AS DOUBLE)) AS octets,
    SUM(CAST(records AS DOUBLE)) AS records,
    SUM(CAST(sampled_packets AS DOUBLE)) AS sampled_packets,
    SUM(CAST(answered_packets AS DOUBLE)) AS asked_packets,
    SUM(CAST(answered_octets AS DOUBLE)) AS asked_octets,
    GREATEST(MAX(last_ms) - MIN(first_ms), 10000) AS lasted_ms
  FROM client
  GROUP BY
    line,
    block_start_ms,
    network,
    own_port
), shape AS (
  SELECT
    n.*,
    COALESCE(l.fragments, 0) AS fragments,
    COALESCE(l.fragment_octets, 0) AS fragment_octets
  FROM network AS n
  LEFT JOIN later AS l
    ON l.line = n.line AND l.block_start_ms = n.block_start_ms AND l.network = n.network
), victim AS (
  SELECT
    s.*,
    CASE
      WHEN s.sampled_packets < p.sampled
      OR s.packets < 10 * p.pps_10s
      OR s.octets < s.packets * CASE WHEN s.own_port = 53 THEN p.dns_octets ELSE p.answer_octets END
      OR s.asked_octets * p.amplification > s.octets
      OR (
        p.two_way = 1 AND s.asked_packets = 0 AND s.sampled_packets >= p.questions_missed
      )
      THEN 0
      WHEN (
        s.records >= p.scattered_records
        AND s.records * 10000.0 >= p.scattered_pace * LEAST(s.targets, 4) * s.lasted_ms
      )
      OR (
        s.packets >= 1.5 * s.sampled_packets
        AND s.records >= p.separate * s.sampled_packets
        AND s.sampled_packets * 10000.0 >= p.separate_pace * LEAST(s.targets, 4) * s.lasted_ms
      )
      OR s.fragments >= p.fragments_each * s.packets
      OR (
        s.octets < p.bulk_octets * s.packets AND (
          p.two_way = 1 OR s.own_port < 1024
        )
      )
      OR (
        p.two_way = 1
        AND s.asked_packets >= p.answers_each * s.packets
        AND s.sampled_packets >= p.answers_each_sampled
      )
      OR (
        p.two_way = 1
        AND s.packets * 1000.0 >= p.feed_pps * s.lasted_ms
        AND s.asked_packets <= p.feed_answers * s.packets
      )
      THEN 1
      ELSE 0
    END AS hit
  FROM shape AS s
  JOIN params AS p
    ON p.line = s.line
), service AS (
  SELECT
    line,
    block_start_ms,
    own_port,
    SUM(CAST(hit AS DOUBLE)) AS hits,
    SUM(CAST(1 - hit AS DOUBLE)) AS others
  FROM victim
  GROUP BY
    line,
    block_start_ms,
    own_port
), reflected AS (
  SELECT
    v.*
  FROM victim AS v
  JOIN service AS s
    ON s.line = v.line
    AND s.block_start_ms = v.block_start_ms
    AND s.own_port = v.own_port
  JOIN params AS p
    ON p.line = v.line
  WHERE
    v.hit = 1 AND (
      v.own_port < 1024 OR s.others <= p.other_clients * s.hits
    )
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
  17 AS protocol,
  packets,
  targets
FROM (
  SELECT
    line,
    block_start_ms,
    network,
    SUM(CAST(packets AS DOUBLE)) AS packets,
    MAX(targets) AS targets
  FROM reflected
  GROUP BY
    line,
    block_start_ms,
    network
) AS v;

