"""The statements of an operator's simple detector: a rate of certain packets over some seconds."""

# ruff: noqa: S608 - expressions are the operator's own, checked by ``own.py`` on an engine that reaches nothing else

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, NETWORK_WORDS
from sekisho.detect.own_file import RATES, SAMPLED, WINDOW_S, Statements

if TYPE_CHECKING:
    from collections.abc import Collection

    from sekisho.detect.own_file import Simple

_EVERYTHING = "1 = 1"


def expressions_of(simple: Simple) -> dict[str, str]:
    """Key -> a statement that holds its expression alone, so that a mistake is told with its key."""
    windows = {"packets": simple.packets, "octets": simple.octets}
    return {
        **{key: f"select line, ({text}\n) * 1.0 as value from line_window" for key, text in windows.items()},
        "where": f"select line from line_window where ({simple.where or _EVERYTHING}\n)",
        "targets": f"select line from line_target where ({simple.targets or _EVERYTHING}\n)",
    }


def statements_of(simple: Simple, thresholds: Collection[str]) -> Statements:
    """All of them; suspects need none, since the screen compares with the rate itself."""
    return Statements(
        screen=_screen(simple, thresholds),
        candidates=_candidates(simple, thresholds),
        targets=_targets(simple),
    )


def _screen(simple: Simple, thresholds: Collection[str]) -> str:
    """A window whose packets are at the mean rate: without one, no mean is."""
    sums = {"packets_per_s": simple.packets, "octets_per_s": simple.octets}
    paced = " and ".join(f"({sums[rate]}) >= {WINDOW_S} * {{{rate}}}" for rate in RATES if rate in thresholds)
    return f"{paced} and ({simple.where or _EVERYTHING})"


def _candidates(simple: Simple, thresholds: Collection[str]) -> str:
    """Windows of every stretch of ``over_s`` seconds that keeps up the rate."""
    back_ms = (simple.over_s - WINDOW_S) * 1000
    stretch = f"over (partition by line order by window_start_ms range between {back_ms} preceding and current row)"
    following = f"over (partition by line order by window_start_ms range between current row and {back_ms} following)"
    enough = [f"s.{SAMPLED}_seen >= p.{SAMPLED}"]
    enough += [f"s.{rate}_seen >= p.{rate}" for rate in RATES if rate in thresholds]
    return f"""with own as (
  select line, window_start_ms, sampled_packets / packets as sampled_share, packets_var / packets as var_share,
    ({simple.packets}
    ) * 1.0 as own_packets,
    ({simple.octets}
    ) * 1.0 as own_octets
  from line_window where side = 0 and packets > 0 and ({simple.where or _EVERYTHING}
  )
), seen as (
  select *, sum(cast(own_packets as double)) {stretch} / {simple.over_s} as packets_per_s_seen,
    sum(cast(own_octets as double)) {stretch} / {simple.over_s} as octets_per_s_seen,
    sum(cast(own_packets * sampled_share as double)) {stretch} as {SAMPLED}_seen
  from own where own_packets > 0
), judged as (
  select s.*, p.two_way, case when {" and ".join(enough)} then 1 else 0 end as enough
  from seen s join params p on p.line = s.line
), taken as (
  select *, max(enough) {following} as within from judged
)
select line, window_start_ms, 1 as opens, own_packets as packets, own_octets as octets,
  own_packets * sampled_share as sampled_packets, own_packets * var_share as packets_var,
  var_share * own_octets * own_octets / own_packets as octets_var, packets_per_s_seen, octets_per_s_seen, two_way
from taken where within = 1"""


def _targets(simple: Simple) -> str:
    """Where the line's traffic went, of the targets that the condition names."""
    return f"""with street as (
  select line, block_start_ms, {NETWORK} as network, port, protocol, packets, target_lo
  from line_target where protocol >= 0 and ({simple.targets or _EVERYTHING}
  )
)
select line, block_start_ms, {NETWORK_WORDS}, port, protocol, sum(cast(packets as double)) as packets,
  count(distinct target_lo) as targets
from street group by line, block_start_ms, network, port, protocol"""
