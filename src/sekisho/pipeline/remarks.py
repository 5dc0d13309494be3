"""What the person who started a run should know besides its result: what was assumed, missing or left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sekisho.wire.clock import CLOCK_MARGIN_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sekisho.detect.indicators.read import FileReport
    from sekisho.pipeline.run import Run

Language = Literal["ja", "en"]

LOSS_WORTH_SAYING = 0.001
"""Share of lost records from which it is said; every verdict carries its own anyway."""

TEXTS: Mapping[str, Mapping[Language, str]] = {
    "damage": {
        "ja": "キャプチャが途中で切れているか壊れています: {damage}",
        "en": "{damage}",
    },
    "no_assignments": {
        "ja": "割り当て情報 (--lines) が指定されていないため、通信を回線に結び付けられません",
        "en": "no assignments were given (--lines), so that no traffic can be tied to a line",
    },
    "overlapping": {
        "ja": "{count:,} 件の割り当てが別の回線の割り当てと重なっており、どちらの回線とも判定しません",
        "en": "{count:,} assignments overlap with another line's and resolve to neither",
    },
    "derived_prefixes": {
        "ja": "自網のプレフィックスは割り当て情報から推定しました。"
        "[network] prefixes を設定すると、未割り当てと他網を区別できます",
        "en": "our prefixes are derived from the assignments; [network] prefixes would tell unassigned from foreign",
    },
    "derived_boundaries": {
        "ja": "観測境界 (boundary) が設定されていないため、"
        "回線ごとに最もオクテット数の多いエクスポーターと方向を採用しました",
        "en": "no boundaries are configured: for each line the exporter and direction with the most octets counts",
    },
    "lost": {
        "ja": "{exporter} (ドメイン {domain}): {lost:,} {unit}が欠落しました ({share:.1%})",
        "en": "{exporter} (domain {domain}): {lost:,} {unit} lost, {share:.1%}",
    },
    "clock": {
        "ja": "{exporter} (ドメイン {domain}): 時計が受信時刻と {skew_s:+,.1f} 秒ずれており、"
        "許容差 {margin_s:g} 秒を超えるため補正しました",
        "en": "{exporter} (domain {domain}): clock differs by {skew_s:+,.1f} s from the time of reception, more than "
        "{margin_s:g} s: times were shifted",
    },
    "late": {
        "ja": "{count:,} レコードは集計の締め切り後に届いたため、合計だけに数えました",
        "en": "{count:,} records came after their windows had closed; they count in totals only",
    },
    "indicators": {
        "ja": "{file}: 指標 {taken:,} 件を読み込み、{count:,} 件を除外しました ({reasons})。例: {example}",
        "en": "{file}: {taken:,} indicators taken, {count:,} entries left out ({reasons}); {example}",
    },
    "spark_left_out": {
        "ja": "リンクの負荷とフローの網羅率は全フローを必要とするため、--engine spark では扱いません",
        "en": "the load of links and coverage need every flow in one place: they are no part of --engine spark",
    },
    "limit": {
        "ja": "上限に達しました: {limit} {count:,}",
        "en": "limit reached: {limit} {count:,}",
    },
}

UNITS: Mapping[str, Mapping[Language, str]] = {
    "flows": {"ja": "フロー", "en": "flows"},
    "packets": {"ja": "エクスポートパケット", "en": "export packets"},
    "records": {"ja": "レコード", "en": "records"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One sentence, in both languages.

    Attributes:
        key: of ``TEXTS``.
        values: of its placeholders.
    """

    key: str
    values: Mapping[str, object]

    def text(self, lang: Language) -> str:
        """The sentence."""
        values = dict(self.values)
        if "unit" in values:
            values["unit"] = UNITS[str(values["unit"])][lang]
        return TEXTS[self.key][lang].format(**values)


def remarks_of(run: Run, *, damage: Sequence[str], indicators: Sequence[FileReport] = ()) -> tuple[Remark, ...]:
    """The gravest first."""
    damaged = (_remark("damage", damage=sentence) for sentence in damage)
    return (*damaged, *_of_lines(run), *_of_exports(run), *_of_indicators(indicators), *_of_limits(run))


def _of_lines(run: Run) -> Iterator[Remark]:
    attributor = run.attributor
    if not len(attributor):
        yield _remark("no_assignments")
        return
    if attributor.overlapping:
        yield _remark("overlapping", count=attributor.overlapping)
    if attributor.derived_prefixes:
        yield _remark("derived_prefixes")


def _of_exports(run: Run) -> Iterator[Remark]:
    if run.boundaries.are_derived:
        yield _remark("derived_boundaries")
    for source in run.decoder.losses():
        place = {"exporter": run.exporters[source.exporter], "domain": source.domain}
        if source.lost_units > LOSS_WORTH_SAYING * source.expected_units:
            share = source.lost_units / source.expected_units
            yield _remark("lost", **place, lost=source.lost_units, unit=source.unit, share=share)
        if source.clock_shifted:
            skew_s, margin_s = source.last_skew_ms / 1000, CLOCK_MARGIN_MS / 1000
            yield _remark("clock", **place, skew_s=skew_s, margin_s=margin_s)
    if run.windows.late:
        yield _remark("late", count=run.windows.late)


def _of_indicators(reports: Sequence[FileReport]) -> Iterator[Remark]:
    for report in reports:
        if report.skipped:
            reasons = ", ".join(f"{reason.value} {count:,}" for reason, count in report.skipped.items())
            count = sum(report.skipped.values())
            yield _remark(
                "indicators", taken=report.taken, count=count, file=report.name, reasons=reasons, example=report.example
            )


def _of_limits(run: Run) -> Iterator[Remark]:
    dropped = run.windows.dropped | {"subject_limit": run.subjects.records_left_out}
    dropped |= run.impact.left_out if run.impact is not None else {}
    for limit, count in sorted(dropped.items()):
        if count:
            yield _remark("limit", limit=limit, count=count)


def _remark(key: str, **values: object) -> Remark:
    return Remark(key=key, values=values)
