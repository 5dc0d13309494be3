"""Spoofed source: packets come in from the subscribers' side with sources that are nobody's of ours.

Why it matters: forged sources hide who floods and make reflection possible; the place to mend is the filter of the
interface (BCP 38), not a subscriber. So the subject is the interface, and no case is ever opened.

How it is told: records of an interface that is configured to face subscribers, whose source is outside our prefixes and
is no special-use address, and whose destination is not ours either. ``watch`` where the sources lie in few networks.

Look-alikes that stay quiet: leaked private addresses (special use, not counted), the other provider's address of a home
with two providers (few packets, few sources), transit that passes an interface which is not configured as facing
subscribers (not looked at).

Source: RFC 2827 (BCP 38), RFC 3704; special-use addresses RFC 6890.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, NETWORK_WORDS, Detector, Language, threshold
from sekisho.detect.quiet import below_rates, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds of an interface; groups of lines do not apply."""

    pps_10s: float = threshold(1000, "packets/s", "a thousand homes that leak one packet a second each stay at it")
    sustain: float = threshold(0.3, "of the opening rate", "a flood that pauses is still the flood")
    sampled: float = threshold(20, "sampled packets", "in ten minutes; the rate of 20 is known to a factor of 1.6")


PARAMS = {group: Params() for group in ("home", "business", "building", "reseller", "server")}
KINDS = ("spoofed_source",)
SCREEN = "packets >= 10 * {sustain} * {pps_10s}"
SUSPECTS = """select line from line_target group by line, block_start_ms
having sum(cast(sampled_packets as double)) >= {sampled}"""

CANDIDATES = f"""
with network as (
  select line, block_start_ms, {NETWORK} as network, sum(cast(sampled_packets as double)) as sampled_packets
  from line_target group by line, block_start_ms, {NETWORK}
), block as (
  select line, block_start_ms, count(*) as targets, sum(cast(sampled_packets as double)) as block_sampled_packets
  from network group by line, block_start_ms
), rated as (
  select w.*, b.targets, b.block_sampled_packets, p.two_way, p.sustain, p.pps_10s as opens_pps_10s,
    w.packets / (10 * p.pps_10s) as rate
  from line_window w
    join block b on b.line = w.line and b.block_start_ms = w.window_start_ms // 600000 * 600000
    join params p on p.line = w.line
  where w.side = 0 and w.packets > 0 and b.block_sampled_packets >= p.sampled
)
select line, window_start_ms, case when rate >= 1 then 1 else 0 end as opens, packets, octets, sampled_packets,
  packets_var, octets_var, targets, two_way, block_sampled_packets, octets / packets as mean_octets, opens_pps_10s
from rated where rate >= sustain"""

TARGETS = f"""
with network as (
  select line, block_start_ms, {NETWORK} as network, case when max(port) > min(port) then 0 else max(port) end as port,
    max(protocol) as protocol, sum(cast(packets as double)) as packets
  from line_target where protocol >= 0 group by line, block_start_ms, {NETWORK}
)
select line, block_start_ms, {NETWORK_WORDS}, port, protocol, packets,
  count(*) over (partition by line, block_start_ms) as targets
from network"""


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    pps, targets = row["packets"] / 10, max(row["targets"], 1)
    if lang == "ja":
        return f"自網にない送信元のパケットが毎秒約 {pps:,.0f} 個、{targets:,.0f} 個の宛先ネットワークへ出ています。"
    to = f"{targets:,.0f} networks" if targets > 1 else "one network"
    return f"About {pps:,.0f} packets a second with sources outside our prefixes leave for {to}."


def quiet(row: Mapping[str, float], lang: Language) -> str:
    """What would have kept it quiet."""
    return sentence(lang, below_rates(row["opens_pps_10s"], row["opens_pps_10s"]))


DETECTOR = Detector(
    name="spoofed_source",
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    candidates=CANDIDATES,
    targets=TARGETS,
    reach_ms=0,
    gap_ms=900_000,
    explain=explain,
    quiet=quiet,
    judges_interfaces=True,
)
