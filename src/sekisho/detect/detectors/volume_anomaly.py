"""Volume anomaly: a line sends far more in an hour than it ever does at that hour of the week.

Why it matters: abuse that fits no other kind (a relay for hire, stolen data, a flood that hides behind an ordinary
protocol) still needs octets. It says that something changed and not what, so it is never more than ``watch``.

How it is told: the octets of the running hour are compared with the line's own baseline (``detect/baseline.py``): the
median of that hour of the week over the weeks before, and its spread as a factor, from the median deviation. An hour
that is at least three spreads above, at least eight times the usual, and large in itself is an anomaly as soon as its
sum passes that mark. It needs that hour of three weeks; until then, and for lines without history, it is silent. Off
unless a baseline is configured (``[detect] baseline``).

Look-alikes that stay quiet: a holiday in the middle of the week (the second most of the same hour in the last seven
days counts as usual too, and two of them were a weekend), a new cloud backup that goes on (a nightly one is usual from
the third night, a weekly one from the third week), a line whose hours differ anyway (its spread is wide).

Source: median and median deviation as in robust statistics (Hampel, "The influence curve and its role in robust
estimation", 1974).
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, NETWORK_WORDS, Detector, Language, threshold
from sekisho.detect.quiet import Clause, figure, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    octets_60min: float = threshold(2e9, "octets", "4.4 Mb/s for an hour: below it nobody is harmed, usual or not")
    weeks: float = threshold(3, "weeks", "the median of two is their mean, and one odd week would decide")
    spreads: float = threshold(3, "spreads", "one hour in 700 where the logarithm is normally distributed")
    least_spread: float = threshold(
        1, "octaves", "three or four weeks tell a spread poorly: never less than a factor of two each"
    )
    sampled: float = threshold(40, "sampled packets", "the octets of the hour are then known to a third or better")


PARAMS = {
    "home": Params(),
    "business": Params(octets_60min=10e9),
    "building": Params(octets_60min=20e9),
    "reseller": Params(octets_60min=50e9),
    "server": Params(octets_60min=50e9),
}
KINDS = ("volume_anomaly",)
SCREEN = "octets * 360 >= {octets_60min}"
"""An hour of that sum has a window above its mean."""

SUSPECTS = """select line from line_target
group by line having sum(cast(octets as double)) >= {octets_60min}"""

_HOUR_MS = 3_600_000
_ANOMALOUS = f"""
with hour as (
  select line, block_start_ms // {_HOUR_MS} * {_HOUR_MS} as hour_start_ms, sum(cast(octets as double)) as hour_octets,
    sum(cast(sampled_packets as double)) as hour_sampled_packets
  from line_target group by line, block_start_ms // {_HOUR_MS} * {_HOUR_MS}
), anomalous as (
  select h.*, b.usual_octets, b.weeks, p.two_way, p.octets_60min as opens_octets_60min,
    pow(2, p.spreads * greatest(b.spread, p.least_spread)) as opens_times_usual
  from hour h
    join baseline b on b.line = h.line and b.hour_start_ms = h.hour_start_ms
    join params p on p.line = h.line
  where b.weeks >= p.weeks and h.hour_octets >= p.octets_60min and h.hour_sampled_packets >= p.sampled
    and h.hour_octets >= b.usual_octets * pow(2, p.spreads * greatest(b.spread, p.least_spread))
)"""

CANDIDATES = f"""{_ANOMALOUS}
select w.line, w.window_start_ms, 1 as opens, w.packets, w.octets, w.sampled_packets, w.packets_var, w.octets_var,
  a.hour_octets, a.usual_octets, a.weeks, a.two_way, a.opens_octets_60min, a.opens_times_usual
from line_window w
  join anomalous a on a.line = w.line and a.hour_start_ms = w.window_start_ms // {_HOUR_MS} * {_HOUR_MS}
where w.side = 0 and w.packets > 0 and w.octets * 360 >= a.usual_octets"""
"""Windows at less than the usual pace are none of the anomaly."""

TARGETS = f"""{_ANOMALOUS}, street as (
  select t.line, t.block_start_ms, {NETWORK} as network, t.port, t.protocol, t.packets, t.target_lo
  from line_target t
    join anomalous a on a.line = t.line and a.hour_start_ms = t.block_start_ms // {_HOUR_MS} * {_HOUR_MS}
  where t.protocol >= 0
)
select line, block_start_ms, {NETWORK_WORDS}, port, protocol, sum(cast(packets as double)) as packets,
  count(distinct target_lo) as targets
from street group by line, block_start_ms, network, port, protocol"""


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the hour of the highest window."""
    hour, usual, weeks = row["hour_octets"] / 1e6, row["usual_octets"] / 1e6, row["weeks"]
    if lang == "ja":
        return (
            f"この 1 時間の送信量は {hour:,.0f} MB です。同じ曜日・時間帯の普段の送信量は、"
            f"過去 {weeks:.0f} 週から見て {usual:,.0f} MB です。"
        )
    return (
        f"{hour:,.0f} MB sent in this hour; at this hour of the week, "
        f"{usual:,.0f} MB are usual (from {weeks:.0f} earlier weeks)."
    )


def quiet(row: Mapping[str, float], lang: Language) -> str:
    """What would have kept it quiet."""
    octets, times = figure(row["opens_octets_60min"] / 1e6), figure(row["opens_times_usual"])
    return sentence(
        lang,
        Clause(ja=f"この 1 時間の送信量が {octets} MB を下回って", en=f"below {octets} MB in this hour"),
        Clause(ja=f"普段の {times} 倍を下回って", en=f"below {times} times what is usual"),
    )


DETECTOR = Detector(
    name="volume_anomaly",
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    candidates=CANDIDATES,
    targets=TARGETS,
    reach_ms=3_000_000,
    gap_ms=3_600_000,
    explain=explain,
    quiet=quiet,
    inputs=("baseline",),
    acts=False,
)
