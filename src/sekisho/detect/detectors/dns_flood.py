"""DNS flood: a line asks name servers far more than people and programs do, or pours datagrams on their port.

Why it matters: "water torture" asks for random names below one domain, so that every question reaches the domain's own
servers; on its way it occupies the provider's resolvers, and every subscriber's names resolve slowly or not at all.

How it is told: datagrams to port 53, counted over all servers, since the questions go through one resolver or through
thousands. Above a rate that no client has, they are a flood if they come in many flows, as questions do: a tunnel over
port 53 is one flow. Where the exporter shows both ways, the unanswered ones alone have a lower rate, since the servers
that are attacked, or the limits of the resolvers, leave questions open; and datagrams of which hardly any is answered
are a flood even if they are one flow. Questions are small: large datagrams in many flows are a UDP flood that took this
port.

Look-alikes that stay quiet: a busy client, a crawler, a mail server that asks block lists (all answered, hundreds a
second), a fleet of devices that repeat a question (tens a second from a line), a destination or a resolver that is out
(people's programs repeat a question after seconds), a school or a building (their group's rate), a tunnel or a VPN over
port 53. Not told one way: a flood in one flow.

Source: RFC 8020 on random names below one domain; retry times of stub resolvers RFC 1035 section 4.2.1, RFC 1536.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, NETWORK_WORDS, Detector, Language, threshold
from sekisho.detect.quiet import Clause, below_rates, figure, sentence
from sekisho.detect.rates import rated

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    pps_10s: float = threshold(1500, "packets/s", "a home's resolver with an empty cache asks 700 times a second")
    pps_60s: float = threshold(1000, "packets/s", "a cache fills within a minute, and the rate falls")
    unanswered_pps_10s: float = threshold(
        250, "packets/s", "30 devices that repeat 8 questions each, at once, in an outage"
    )
    unanswered_pps_60s: float = threshold(150, "packets/s", "repetitions are seconds apart, and programs give up")
    sustain: float = threshold(0.3, "of the opening rate", "a flood that the resolvers choke is still the flood")
    unanswered: float = threshold(0.25, "of all packets", "a client that is answered asks once; an outage leaves more")
    deviations: float = threshold(
        4, "standard deviations", "of 100 sampled questions 75 sampled answers are chance, 50 are not"
    )
    silent: float = threshold(0.02, "answers a packet", "a tunnel's receiver answers every tenth packet at least")
    sampled: float = threshold(20, "sampled packets", "the rate of 20 is known to a factor of 1.6")
    silent_sampled: float = threshold(60, "sampled packets", "a tunnel would have shown six answers")
    scattered: float = threshold(
        0.5, "flows a sampled packet", "one flow of 300 packets/s at 1:4096 reaches 0.4 with short timeouts"
    )
    scattered_pace: float = threshold(10, "flows in 10 s", "a tunnel over port 53 has one flow, exported once in 10 s")


PARAMS = {
    "home": Params(),
    "business": Params(pps_10s=4000, pps_60s=2500, unanswered_pps_10s=1500, unanswered_pps_60s=600),
    "building": Params(pps_10s=6000, pps_60s=4000, unanswered_pps_10s=3000, unanswered_pps_60s=2000),
    "reseller": Params(pps_10s=12_000, pps_60s=8000, unanswered_pps_10s=6000, unanswered_pps_60s=4000),
    "server": Params(pps_10s=8000, pps_60s=5000, unanswered_pps_10s=4000, unanswered_pps_60s=2500),
}
KINDS = ("dns_flood",)
SCREEN = "dns_packets >= 5 * {unanswered_pps_60s}"
"""A minute at the least opening rate has a window at that rate; half of it leaves room for what is counted elsewhere.
"""

PAIRS = ("protocol = 17 and port = 53",)
SUSPECTS = """select line from line_target where protocol = 17 and port = 53
group by line, block_start_ms
having sum(cast(sampled_packets as double)) >= {sampled}
  and sum(cast(packets as double)) >= 10 * {unanswered_pps_10s}"""
"""Rows beyond the cap on targets are not needed: where servers are that many, the kept ones have enough of it."""

_FLOODED = f"""
with asked as (
  select line, block_start_ms, {NETWORK} as network, count(*) as targets, sum(cast(packets as double)) as packets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    min(first_ms) as first_ms, max(last_ms) as last_ms
  from line_target where protocol = 17 and port = 53 group by line, block_start_ms, {NETWORK}
), shape as (
  select line, block_start_ms, sum(cast(targets as double)) as targets, sum(cast(packets as double)) as packets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    greatest(max(last_ms) - min(first_ms), 10000) as lasted_ms
  from asked group by line, block_start_ms
), counted as (
  select line, window_start_ms // 600000 * 600000 as block_start_ms,
    sum(cast(case when side = 0 then dns_packets else 0 end as double)) as sent,
    sum(cast(case when side = 1 then dns_packets else 0 end as double)) as received
  from line_window group by line, window_start_ms // 600000 * 600000
), told as (
  select s.*, p.two_way, coalesce(c.received / nullif(c.sent, 0), 0) as answered_share,
    case when s.records >= p.scattered * s.sampled_packets
      or s.records * 10000.0 >= p.scattered_pace * s.lasted_ms then 1 else 0 end as scattered
  from shape s
    join counted c on c.line = s.line and c.block_start_ms = s.block_start_ms
    join params p on p.line = s.line
  where s.sampled_packets >= p.sampled
), flooded as (
  select t.line, t.block_start_ms, t.targets, t.sampled_packets, t.lasted_ms, t.two_way, t.answered_share, t.scattered,
    case when t.two_way = 0 or t.answered_share > 1 - p.unanswered
        or (1 - t.answered_share) * (1 - t.answered_share) * t.sampled_packets
          < p.deviations * p.deviations * (1 + t.answered_share) then 0
      when t.scattered = 1 or (t.answered_share <= p.silent and t.sampled_packets >= p.silent_sampled)
        then 1 - t.answered_share
      else 0 end as unanswered_share
  from told t join params p on p.line = t.line
)"""

CANDIDATES = f"""{_FLOODED}, flood as (
  select f.line, w.window_start_ms, f.targets, f.two_way, f.scattered, p.sustain,
    f.answered_share, f.sampled_packets as block_sampled_packets,
    w.dns_packets as packets, w.dns_octets as octets,
    w.sampled_packets * w.dns_packets / w.packets as sampled_packets,
    w.packets_var * w.dns_packets / w.packets as packets_var,
    10 / nullif(greatest(f.scattered / p.pps_10s, f.unanswered_share / p.unanswered_pps_10s), 0) as enough_10s,
    60 / nullif(greatest(f.scattered / p.pps_60s, f.unanswered_share / p.unanswered_pps_60s), 0) as enough_60s,
    f.lasted_ms, f.scattered * p.pps_10s as opens_pps_10s, f.scattered * p.pps_60s as opens_pps_60s,
    case when f.unanswered_share > 0 then p.unanswered_pps_10s else 0 end as opens_unanswered_pps_10s,
    case when f.unanswered_share > 0 then p.unanswered_pps_60s else 0 end as opens_unanswered_pps_60s
  from line_window w
    join flooded f on f.line = w.line and f.block_start_ms = w.window_start_ms // 600000 * 600000
    join params p on p.line = w.line
  where w.side = 0 and w.dns_packets > 0 and (f.scattered = 1 or f.unanswered_share > 0)
), rated as (
  {rated("flood")}
)
select line, window_start_ms, case when sure_rate >= 1 then 1 else 0 end as opens,
  packets, octets, sampled_packets, packets_var, packets_var * (octets / packets) * (octets / packets) as octets_var,
  targets, answered_share, octets / packets as mean_octets, two_way, block_sampled_packets,
  opens_pps_10s, opens_pps_60s, opens_unanswered_pps_10s, opens_unanswered_pps_60s
from rated where rate >= sustain"""

TARGETS = f"""{_FLOODED}
select a.line, a.block_start_ms, {NETWORK_WORDS}, 53 as port, 17 as protocol, a.packets, a.targets
from asked a join flooded f on f.line = a.line and f.block_start_ms = a.block_start_ms
where f.scattered = 1 or f.unanswered_share > 0"""


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    pps, octets, targets = row["packets"] / 10, row["mean_octets"], max(row["targets"], 1)
    answered = min(row["answered_share"], 1) * 100
    if lang == "ja":
        seen = f"応答があったのは約 {answered:.0f}% です" if row["two_way"] else "通常の名前解決ではありえない頻度です"
        return (
            f"DNS (UDP ポート 53) 宛てに、平均 {octets:,.0f} オクテットのパケットが毎秒約 {pps:,.0f} 個、"
            f"{targets:,.0f} 個のサーバーアドレスへ送られ、{seen}。"
        )
    seen = f"about {answered:.0f}% of them answered" if row["two_way"] else "more than any resolution of names needs"
    to = f"{targets:,.0f} server addresses" if targets > 1 else "one server address"
    return f"About {pps:,.0f} packets a second of {octets:,.0f} octets on average to DNS (UDP port 53) on {to}, {seen}."


def quiet(row: Mapping[str, float], lang: Language) -> str:
    """What would have kept it quiet."""
    total = row["opens_pps_10s"], row["opens_pps_60s"]
    unanswered = row["opens_unanswered_pps_10s"], row["opens_unanswered_pps_60s"]
    below = below_rates(*total)
    if not total[0]:
        below = below_rates(*unanswered, of="応答のないパケットが ", en="unanswered packets")
    elif unanswered[0]:
        high, low = (figure(rate) for rate in unanswered)
        below = Clause(
            ja=f"{below.ja}いて、そのうち応答のないものもそれぞれ毎秒 {high} パケット、毎秒 {low} パケットを下回って",
            en=f"{below.en}, unanswered ones below {high} and {low}",
        )
    return sentence(lang, below)


DETECTOR = Detector(
    name="dns_flood",
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    pairs=PAIRS,
    candidates=CANDIDATES,
    targets=TARGETS,
    reach_ms=0,
    gap_ms=900_000,
    explain=explain,
    quiet=quiet,
)
