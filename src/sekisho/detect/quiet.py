"""What would have kept a detection quiet, in two languages: the parts that such sentences are made of.

The numbers come from the detection's own evidence: a column named ``opens_…`` is a threshold that decided, as it was
for the line's group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.detect.detector import Language

OPENS = "opens_"
"""Begins the name of every threshold in a detection's evidence."""


class Clause(NamedTuple):
    """One way to stay quiet: in Japanese a verb in its te-form, in English what follows "stayed quiet"."""

    ja: str
    en: str


def figure(value: float) -> str:
    """A threshold as people write it."""
    return f"{value:,.0f}" if value >= 100 or round(value, 6) == round(value) else f"{value:,.3g}"


def sentence(lang: Language, *ways: Clause, aside: Clause | None = None) -> str:
    """The sentence: any of the ways would have been enough."""
    if lang == "ja":
        end = f" ({aside.ja})" if aside else ""
        return f"{'いるか、'.join(way.ja for way in ways)}いれば、検知されませんでした{end}。"
    end = f"; {aside.en}" if aside else ""
    return f"It would have stayed quiet {', or '.join(way.en for way in ways)}{end}."


def below_rates(
    ten_seconds: float, minute: float, *, of: str = "", ja: str = "パケット", en: str = "packets"
) -> Clause:
    """Below both rates; no minute is at a rate that none of its ten seconds reach, so one number may do.

    ``of`` is the Japanese subject with its particle, ``ja`` the counter or unit, ``en`` what is counted.
    """
    high, low = figure(ten_seconds), figure(minute)
    if minute >= ten_seconds:
        return Clause(
            ja=f"{of}10 秒間の平均で毎秒 {high} {ja}を下回って", en=f"below {high} {en} a second over ten seconds"
        )
    return Clause(
        ja=f"{of}10 秒間の平均で毎秒 {high} {ja}、1 分間の平均で毎秒 {low} {ja}をどちらも下回って",
        en=f"below {high} {en} a second over ten seconds and {low} over a minute",
    )


def flood(row: Mapping[str, float], lang: Language, *, ways: tuple[Clause, ...] = ()) -> str:
    """The sentence of a network flood (``detect/flood.py``); ``ways`` are those that only its kind has."""
    lasting_s, packets_an_answer = row["opens_lasting_s"], row.get("opens_packets_an_answer", 0)
    aside = None
    if lasting_s:
        s = figure(lasting_s)
        ways = (Clause(ja=f"{s} 秒以内に途切れて", en=f"had it paused within {s} seconds"), *ways)
    if packets_an_answer and row["two_way"]:
        n = figure(packets_an_answer)
        answered = Clause(
            ja=f"{n} パケットに 1 個を超える割合で応答が返って", en=f"with more than one packet in {n} answered"
        )
        ways = (answered, *ways)
    elif packets_an_answer:
        aside = Clause(
            ja="ここからは応答が見えないため、応答の有無は考慮されていません",
            en="answers, which cannot be seen here, were not considered",
        )
    return sentence(lang, below_rates(row["opens_pps_10s"], row["opens_pps_60s"]), *ways, aside=aside)


def by_thresholds(row: Mapping[str, Any], lang: Language) -> str:
    """The sentence of a detector whose meaning is the operator's: its thresholds by their names."""
    given = {name.removeprefix(OPENS): value for name, value in row.items() if name.startswith(OPENS)}
    if not given:
        if lang == "ja":
            return "検知条件の定義ファイルの条件に当てはまらなければ、検知されませんでした。"
        return "It would have stayed quiet had the conditions of its file not been met."
    listed = [f"{name} {figure(value)}" for name, value in given.items()]
    if lang == "ja":
        return f"しきい値 ({'、'.join(listed)}) の条件を満たさなければ、検知されませんでした。"
    return f"It would have stayed quiet had its thresholds not been met: {', '.join(listed)}."
