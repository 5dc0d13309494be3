"""What all network floods have in common: how much one small network got, when, and whether that is a flood.

A kind says which part of what a line sends is its traffic, in ``line_target`` and in ``line_window``, and which shapes
of it are a flood. The volume comes from the ten-second windows, the shape from the ten-minute targets, in these steps:

- ``pair``: each target and port with the kind's part of its traffic;
- ``lately``: pairs by /24 or /48, which makes a carpet-bombed prefix one target, over a block and the one before, so
  that the edge of a block splits no evidence; what is the block's own has ``own_`` before its name;
- ``shape``: the same with what the cap on targets left out, shared out by the number of targets that were kept; but no
  more than its records hold if each has as many packets as theirs: a tunnel beside random ports is a few large records;
- ``unmatched``: what a line received that answers none of its pairs; that of the block before counts as well, since a
  conversation over the edge may have had all its sampled answers before it;
- ``flooded``: networks of which a shape of the kind is true; ``hit``: those networks in that block and the one before;
- the windows between a flood's first and last packet, less what went elsewhere in them.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sekisho.detect.detector import NETWORK, NETWORK_WORDS, Detector, Language, threshold
from sekisho.detect.quiet import flood as stays_quiet
from sekisho.schema.line_target import BLOCK_MS
from sekisho.schema.line_window import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REACH_MS = BLOCK_MS
"""The block before counts as well."""

MUCH = "likely_packets >= 10 * pps_10s"
"""Part of a shape's condition: the network got what ten seconds at the rate are. Of many that got less none is flooded,
however much they got together: peers that left, addresses of a sweep."""


def no_answers_elsewhere(answers: str) -> str:
    """Part of a shape's condition: what the line received besides is too little to hold the answers that are missing.

    An answer that came too early or too late for its pair matches none; it may stand before the edge of the block.

    Args:
        answers: SQL of how many answers a packet an ordinary receiver sends.
    """
    return f"unmatched_packets < 0.5 * {answers} * own_packets and unmatched_lately < 0.5 * {answers} * packets"


GAP_MS = 900_000
"""Silence up to which two windows are one episode: bots are sent again within minutes."""

_LASTING_MS = 120_000
"""Twice as long as a speed test."""

_BLOCKS = "(select 0 as earlier union all select 1 as earlier) b on b.earlier >= 0"


def sustained() -> Any:
    """The field ``sustain`` of every network flood's thresholds."""
    return threshold(0.3, "of the opening rate", "a flood that the line or the target chokes is still the flood")


def missed() -> Any:
    """The field ``answers_missed`` of floods that are told by the answers that do not come."""
    return threshold(16, "sampled packets", "16 expected and none seen: one in ten million by chance")


def pace() -> Any:
    """The field ``scattered_pace`` of floods that are told by flows of their own."""
    return threshold(1, "sampled packets/s", "slower, a timeout ends one flow between two of its sampled packets")


SCATTERED = """sampled_packets >= scattered_sampled and (pairs >= 0.5 * sampled_packets
        or (records >= 0.5 * sampled_packets and sampled_pps >= scattered_pace))"""
"""Part of a shape's condition: most packets belong to flows of their own, by their targets and ports or by the records.
Of a live feed at 1:4096 a packet in ten seconds is sampled, and every second one stands in a record of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A sign that a network is flooded, and the rates that are a flood where it shows.

    Attributes:
        condition: over the columns of ``shape`` and the kind's thresholds.
        pps_10s, pps_60s: names of the thresholds of one window and of a minute.
        lasting: the flood went on for two minutes without a pause; what is shorter may be a measurement.
        acts: False = it is for a person to look at, however long.
    """

    condition: str
    pps_10s: str = "pps_10s"
    pps_60s: str = "pps_60s"
    lasting: bool = False
    acts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """What one kind of network flood is, as parts of its SQL. Its thresholds include ``sustain``.

    Attributes:
        pairs: condition over ``line_target t`` of what is looked at.
        packets: packets of a pair that speak for the kind.
        sent: the same packets of a window ``w``.
        volume: packets of a pair that ``sent`` counts, where they are more than those that speak for the kind.
        answered: packets of a pair that answer the kind's traffic; ``received``: of a window.
        shapes: signs of the flood, the most certain first.
        port: of the rows of ``TARGET``.
        told: thresholds beside the rates that the evidence tells, since ``quiet`` names them.
    """

    pairs: str
    packets: str
    sent: str
    shapes: tuple[Shape, ...]
    volume: str = ""
    port: str = "case when ports > 1 then 0 else port end"
    answered: str = "t.answered_packets"
    received: str = "0"
    told: tuple[str, ...] = ()

    def detector(
        self,
        *,
        kinds: tuple[str, ...],
        params: Mapping[str, Any],
        screen: str,
        suspects: str,
        explain: Callable[[Mapping[str, Any], Language], str],
        looked_at: tuple[str, ...] = (),
        reach_ms: int = REACH_MS,
        quiet: Callable[[Mapping[str, Any], Language], str] = stays_quiet,
    ) -> Detector:
        """The detector of this flood, named after its kind; ``looked_at`` are the ``pairs`` of a ``Detector``."""
        return Detector(
            name=kinds[0],
            kinds=kinds,
            params=params,
            screen=screen,
            suspects=suspects,
            pairs=looked_at,
            candidates=self.candidates,
            targets=self.targets,
            reach_ms=reach_ms,
            gap_ms=GAP_MS,
            explain=explain,
            quiet=quiet,
        )

    @property
    def candidates(self) -> str:
        """One row a window of a flood that reaches the sustaining share of its rate."""
        told = "".join(f", max(p.{name}) as opens_{name}" for name in self.told)
        names = "".join(f", opens_{name}" for name in self.told)
        return f"""{self._hit}, evidence as (
  select h.line, h.block_start_ms, max(p.two_way) as two_way, max(p.sustain) as sustain,
    10 * min(h.enough_10s) as enough_10s, 60 * min(h.enough_60s) as enough_60s,
    min(h.lasting) as lasting, max(h.acts) as acts{told},
    min(h.own_first_ms) as first_ms, max(h.own_last_ms) as last_ms,
    min(h.left_out - h.alike) as other_packets,
    max(h.rest_from_ms) as rest_from_ms, max(h.rest_until_ms) as rest_until_ms,
    max(h.alike) / greatest(max(h.sent) - min(h.left_out - h.alike), 1e-9)
      * (1 - sum(cast(h.own_pairs as double)) / max(h.all_pairs)) as alike_share,
    sum(cast(h.own_volume + h.own_left_out as double)) as packets,
    sum(cast(h.octets as double)) / sum(cast(h.packets as double)) as mean_octets,
    sum(cast(h.sampled_packets as double)) as block_sampled_packets,
    sum(cast(h.pairs as double)) as pairs, sum(cast(h.targets as double)) as targets, max(h.ports) as ports,
    sum(cast(h.records as double)) / sum(cast(h.sampled_packets as double)) as flows_a_sampled_packet,
    sum(cast(h.answered_packets as double)) / sum(cast(h.packets as double)) as answered_share
  from hit h join params p on p.line = h.line
  group by h.line, h.block_start_ms
), elsewhere as (
  select w.line, w.window_start_ms,
    sum(cast(t.volume * (least(t.last_ms + 1, w.window_start_ms + 10000) - greatest(t.first_ms, w.window_start_ms))
      / (t.last_ms + 1 - t.first_ms) as double)) as packets
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
    join pair t on t.line = w.line and t.block_start_ms = e.block_start_ms
      and t.first_ms < w.window_start_ms + 10000 and t.last_ms >= w.window_start_ms
    left join hit h on h.line = t.line and h.network = t.network and h.block_start_ms = t.block_start_ms
  where w.side = 0 and h.line is null group by w.line, w.window_start_ms
), flood as (
  select w.window_start_ms, e.*, w.sampled_packets / w.packets as sampled_share, w.packets_var / w.packets as var_share,
    least(({self.sent} - e.other_packets * greatest(least(e.rest_until_ms + 1, w.window_start_ms + 10000)
        - greatest(e.rest_from_ms, w.window_start_ms), 0) / (e.rest_until_ms + 1 - e.rest_from_ms))
      * (1 - e.alike_share) - coalesce(o.packets, 0), e.packets) as flood_packets
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
    left join elsewhere o on o.line = w.line and o.window_start_ms = w.window_start_ms
  where w.side = 0 and w.packets > 0 and w.window_start_ms <= e.last_ms and w.window_start_ms + 10000 > e.first_ms
), rated as (
  select *, flood_packets / enough_10s as rate_10s, 6 * flood_packets / enough_60s as share_60s,
    sum(cast(greatest(flood_packets, 0) as double)) over (partition by line, window_start_ms // 60000)
      / enough_60s as rate_60s
  from flood
), kept as (
  select *, sum(cast(case when rate_10s >= sustain then 1 else 0 end as double)) over (partition by line
    order by window_start_ms range between {_LASTING_MS - WINDOW_MS} preceding and current row) as run
  from rated
  where flood_packets > 0 and (rate_10s >= sustain or (rate_60s >= sustain and share_60s >= sustain))
), lasted as (
  select *, max(run) over (partition by line
    order by window_start_ms range between current row and {_LASTING_MS - WINDOW_MS} following) as longest_run
  from kept
)
select line, window_start_ms, acts,
  case when rate_10s >= 1 or (rate_60s >= 1 and share_60s >= sustain) then 1 else 0 end as opens,
  flood_packets as packets, flood_packets * mean_octets as octets,
  flood_packets * sampled_share as sampled_packets, flood_packets * var_share as packets_var,
  flood_packets * var_share * mean_octets * mean_octets as octets_var,
  mean_octets, pairs, targets, ports, flows_a_sampled_packet, answered_share, two_way, block_sampled_packets,
  enough_10s / 10 as opens_pps_10s, enough_60s / 60 as opens_pps_60s,
  lasting * {_LASTING_MS // 1000} as opens_lasting_s{names}
from lasted where lasting = 0 or longest_run >= {_LASTING_MS // WINDOW_MS}"""

    @property
    def targets(self) -> str:
        """One row a flooded network and block."""
        return f"""{self._hit}
select line, block_start_ms, {NETWORK_WORDS}, {self.port} as port, protocol,
  own_volume + own_left_out as packets, targets
from hit"""

    @property
    def _hit(self) -> str:
        """Statement up to ``hit``: flooded networks by block, with their shape."""
        conditions = " or ".join(f"({shape.condition})" for shape in self.shapes)
        return f"""{self._lately}, paired as (
  select *, sum(cast(own_volume as double)) over (partition by line, block_start_ms) as paired_sent,
    sum(cast(own_pairs as double)) over (partition by line, block_start_ms) as all_pairs,
    sum(cast(own_answered as double)) over (partition by line, block_start_ms) as paired_received,
    min(first_ms) over (partition by line, network) as network_from_ms
  from lately where own_pairs > 0
), counted as (
  select w.line, w.window_start_ms // 600000 * 600000 as block_start_ms,
    max(case when w.side = 0 then {self.sent} else 0 end) / 10 as highest_pps,
    sum(cast(case when w.side = 0 then {self.sent} else 0 end as double)) as sent,
    sum(cast(case when w.side = 1 then {self.received} else 0 end as double)) as received
  from line_window w group by w.line, w.window_start_ms // 600000 * 600000
), unmatched as (
  select c.line, c.block_start_ms, greatest(c.received - coalesce(a.packets, 0), 0) as packets
  from counted c left join (
    select line, block_start_ms, sum(cast(answered_packets as double)) as packets
    from pair group by line, block_start_ms
  ) a on a.line = c.line and a.block_start_ms = c.block_start_ms
), seen as (
  select line, min(first_ms) as seen_from_ms from line_target group by line
), rest as (
  select line, block_start_ms, records, first_ms as rest_from_ms, last_ms as rest_until_ms
  from line_target where protocol = -1
), left_out as (
  select n.line, n.network, n.block_start_ms, greatest(c.sent - n.paired_sent, 0) as left_out,
    least(greatest(c.sent - n.paired_sent, 0), coalesce(r.records * n.packets / nullif(n.records, 0), c.sent)) as alike,
    coalesce(r.rest_from_ms, n.block_start_ms) as rest_from_ms,
    coalesce(r.rest_until_ms, n.block_start_ms + 600000) as rest_until_ms
  from paired n
    join counted c on c.line = n.line and c.block_start_ms = n.block_start_ms
    left join rest r on r.line = n.line and r.block_start_ms = n.block_start_ms
), shape as (
  select n.*, c.sent, c.highest_pps, l.left_out, l.alike, l.rest_from_ms, l.rest_until_ms,
    l.alike * n.own_pairs / n.all_pairs as own_left_out,
    n.packets + l.alike * n.own_pairs / n.all_pairs as likely_packets,
    c.received - n.paired_received as unmatched_packets,
    greatest(c.received - n.paired_received, 0) + coalesce(u.packets, 0) as unmatched_lately,
    n.packets * 1000.0 / greatest(n.last_ms - n.first_ms, 10000) as mean_pps,
    n.sampled_packets * 1000.0 / greatest(n.last_ms - n.first_ms, 10000) as sampled_pps,
    n.network_from_ms - f.seen_from_ms as silent_before_ms
  from paired n
    join counted c on c.line = n.line and c.block_start_ms = n.block_start_ms
    join left_out l on l.line = n.line and l.network = n.network and l.block_start_ms = n.block_start_ms
    join seen f on f.line = n.line
    left join unmatched u on u.line = n.line and u.block_start_ms = n.block_start_ms - 600000
), flooded as (
  select s.line, s.network, s.block_start_ms,
    {self._of_shape("pps_10s")} as enough_10s, {self._of_shape("pps_60s")} as enough_60s,
    {self._of_shape("lasting")} as lasting, {self._of_shape("acts")} as acts
  from shape s join params p on p.line = s.line
  where s.packets > 0 and ({conditions})
), blocks as (
  select d.line, d.network, d.block_start_ms - 600000 * b.earlier as block_start_ms,
    min(d.enough_10s) as enough_10s, min(d.enough_60s) as enough_60s, min(d.lasting) as lasting, max(d.acts) as acts
  from flooded d join {_BLOCKS}
  group by d.line, d.network, d.block_start_ms - 600000 * b.earlier
), hit as (
  select s.*, k.enough_10s, k.enough_60s, k.lasting, k.acts from shape s
    join blocks k on k.line = s.line and k.network = s.network and k.block_start_ms = s.block_start_ms
  where s.packets > 0
)"""

    @property
    def _lately(self) -> str:
        """Statement up to ``lately``: targets by network, over a block and the one before."""
        return f"""
with pair as (
  select t.line, t.block_start_ms, {NETWORK} as network, t.target_hi, t.target_lo, t.port, t.protocol,
    t.first_ms, t.last_ms, t.packets as all_packets, t.connections,
    {self.packets} as packets, {self.volume or self.packets} as volume, {self.answered} as answered_packets,
    ({self.packets}) / greatest(t.packets, 1e-9) as part, t.octets, t.records, t.sampled_packets
  from line_target t join params p on p.line = t.line
  where {self.pairs}
), lately as (
  select t.line, t.block_start_ms + 600000 * b.earlier as block_start_ms, t.network,
    count(case when t.packets > 0 then 1 end) as pairs,
    count(distinct case when t.packets > 0 then t.port end) as ports,
    greatest(count(distinct case when t.packets > 0 then t.target_lo end),
      count(distinct case when t.packets > 0 then t.target_hi end)) as targets,
    max(case when t.packets > 0 then t.port end) as port, max(case when t.packets > 0 then t.protocol end) as protocol,
    min(case when t.packets > 0 then t.first_ms end) as first_ms,
    max(case when t.packets > 0 then t.last_ms end) as last_ms,
    sum(cast(t.all_packets as double)) as all_packets, sum(cast(t.connections as double)) as connections,
    sum(cast(t.packets as double)) as packets, sum(cast(t.octets * t.part as double)) as octets,
    sum(cast(t.records * t.part as double)) as records,
    sum(cast(t.sampled_packets * t.part as double)) as sampled_packets,
    sum(cast(t.answered_packets as double)) as answered_packets,
    sum(cast(case when t.volume > 0 then 1 - b.earlier else 0 end as double)) as own_pairs,
    sum(cast((1 - b.earlier) * t.packets as double)) as own_packets,
    sum(cast((1 - b.earlier) * t.volume as double)) as own_volume,
    sum(cast((1 - b.earlier) * t.answered_packets as double)) as own_answered,
    min(case when b.earlier = 0 and t.packets > 0 then t.first_ms end) as own_first_ms,
    max(case when b.earlier = 0 and t.packets > 0 then t.last_ms end) as own_last_ms
  from pair t join {_BLOCKS}
  group by t.line, t.block_start_ms + 600000 * b.earlier, t.network
)"""

    def _of_shape(self, attribute: str) -> str:
        """An attribute of the first shape that is true."""
        values = [getattr(shape, attribute) for shape in self.shapes]
        if len(set(values)) == 1:
            return str(int(values[0])) if isinstance(values[0], bool) else values[0]
        numbers = [int(value) if isinstance(value, bool) else value for value in values]
        cases = zip(self.shapes, numbers, strict=True)
        return f"case {' '.join(f'when {shape.condition} then {number}' for shape, number in cases)} end"


def addresses(row: Mapping[str, Any], lang: Language) -> str:
    """How many addresses a flood went to, as its explanation says it."""
    targets = max(row["targets"], 1)
    if lang == "ja":
        return f"{targets:,.0f} 個の宛先アドレス"
    return f"{targets:,.0f} addresses" if targets > 1 else "one address"
