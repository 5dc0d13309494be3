"""Whether a rate that was sampled is surely above a threshold: over ten seconds, a minute, or as long as it lasted.

A few sampled packets in one window say little, many in ten minutes say much, so each period counts with the lower limit
of its own rate. What is counted in full is what it is: its variance is 0.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

_DEVIATIONS = 2
"""Of 40 periods in which the rate only reaches the threshold, one is taken to be above it."""

_MINUTE = "over (partition by line, window_start_ms // 60000)"
_BLOCK = "over (partition by line, window_start_ms // 600000)"


def rated(windows: str, *, packets: str = "packets", variance: str = "packets_var") -> str:
    """SELECT of windows with two columns more: ``rate``, and its lower limit ``sure_rate``, of the threshold.

    Args:
        windows: table with ``line``, ``window_start_ms``; ``enough_10s`` and ``enough_60s``, packets in ten seconds and
            in a minute that are the threshold; ``lasted_ms`` of the block's traffic.
        packets: column that is compared.
        variance: its variance.
    """
    return f"""select *,
    greatest(counted / enough_10s, minute / enough_60s,
      case when block_var > 0 then block / enough_block else 0 end) as rate,
    greatest((counted - {_DEVIATIONS} * sqrt(counted_var)) / enough_10s,
      (minute - {_DEVIATIONS} * sqrt(minute_var)) / enough_60s,
      case when block_var > 0 then (block - {_DEVIATIONS} * sqrt(block_var)) / enough_block else 0 end) as sure_rate
  from (
    select *, {packets} as counted, {variance} as counted_var,
      sum(cast({packets} as double)) {_MINUTE} as minute, sum(cast({variance} as double)) {_MINUTE} as minute_var,
      sum(cast({packets} as double)) {_BLOCK} as block, sum(cast({variance} as double)) {_BLOCK} as block_var,
      enough_60s * greatest(lasted_ms, 60000) / 60000 as enough_block
    from {windows}
  ) w"""


SURE_CONNECTIONS = f"""case when {{0}}.packets < 1.5 * {{0}}.sampled_packets then {{0}}.connections
      else greatest(
        {{0}}.connections - {_DEVIATIONS} * sqrt({{0}}.connections * {{0}}.packets / {{0}}.sampled_packets),
        case when {{0}}.records >= p.separate * {{0}}.sampled_packets then {{0}}.packets / p.packets_most else 0 end)
      end"""
"""Connections of a row with sums of ``line_target`` that surely were asked for: those that were counted, or the lower
limit of the estimate, or as many as its packets make if each is of another flow and connections are long."""
