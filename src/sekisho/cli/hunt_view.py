"""The answer to a hunt: a table in Japanese and English, and JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sekisho.core.time import JST, iso, jst_and_utc, to_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from sekisho.core.purposes import Purpose
    from sekisho.store.hunt import Count, Found, LineCount
    from sekisho.store.targets import Targets

    Named = Mapping[int, tuple[int, str]]

ROWS_SHOWN = 20
"""A screen; JSON has all."""

TEXTS = {
    "en": {
        "purpose": "Purpose: {text}",
        "none": "No flow to what was asked for.",
        "total": "{lines} lines, {records} records, {packets} packets, {octets} octets",
        "exported": "As exported, not scaled by sampling. What passes two exporters is counted at both.",
        "unattributed": "{count} records are of no known line.",
        "hours": "By hour of the flow's start",
        "hour": "hour",
        "lines": "By line",
        "line": "line (pseudonym)",
        "case": "case",
        "indicators": "By indicator",
        "indicator": "indicator",
        "first": "first",
        "last": "last",
        "lines_": "lines",
        "records": "records",
        "packets": "packets",
        "octets": "octets",
        "more": "… and {count} more; --format json has all.",
        "named": "A pseudonym names nobody. Lines with an open case are named where --cases or [cases] url is given.",
        "explain": "Read: {files} files, {files_by_time} ruled out by time; {row_groups} row groups of the others, "
        "{groups_by_time} ruled out by time and {groups_by_address} by address; {rows} rows read; "
        "not compacted yet: {segments} segments with {segment_rows} rows.",
        "torn": "{count} segments end inside a batch; what stands before that was read.",
        "missing": "{count} files of the store are missing: the counts are too low.",
    },
    "ja": {
        "purpose": "目的: {text}",
        "none": "該当する通信はありません。",
        "total": "{lines} 回線、{records} レコード、{packets} パケット、{octets} オクテット",
        "exported": "エクスポートされたままの値で、サンプリングの補正はしていません。"
        "2 台のエクスポーターを通った通信は両方で数えています。",
        "unattributed": "うち {count} レコードは回線を特定できていません。",
        "hours": "時間別 (フローの開始時刻)",
        "hour": "時間帯",
        "lines": "回線別",
        "line": "回線 (仮名)",
        "case": "ケース",
        "indicators": "インジケーター別",
        "indicator": "インジケーター",
        "first": "最初",
        "last": "最後",
        "lines_": "回線",
        "records": "レコード",
        "packets": "パケット",
        "octets": "オクテット",
        "more": "ほか {count} 件。すべてを見るには --format json を指定してください。",
        "named": "仮名から契約者を特定することはできません。回線 ID が表示されるのは、--cases または [cases] url を"
        "指定し、その回線に未完了のケースがある場合だけです。",
        "explain": "読み取り: ファイル {files} 個のうち {files_by_time} 個は時刻により対象外。"
        "残りの行グループ {row_groups} 個のうち、時刻により {groups_by_time} 個、"
        "アドレスにより {groups_by_address} 個が対象外。読んだ行は {rows} 行。"
        "Parquet に変換前のセグメントは {segments} 個 ({segment_rows} 行)。",
        "torn": "{count} 個のセグメントは途中で切れています。切れる前までを読みました。",
        "missing": "{count} 個のファイルが見つかりません。実際の値はこれより多くなります。",
    },
}


def document(found: Found, targets: Targets, stated: Purpose, named: Named, *, explain: bool) -> dict[str, Any]:
    """The answer for programs."""
    answer: dict[str, Any] = {
        "schema": "sekisho.hunt/1",
        "purpose": stated.code,
        "total": asdict(found.total),
        "hours": [{"hour": iso(hour), **asdict(count)} for hour, count in found.hours.items()],
        "indicators": [
            {"label": targets.labels[number], **asdict(count)} for number, count in found.indicators.items()
        ],
        "lines": [_line(count, named) for count in found.lines],
    }
    if explain:
        answer["reading"] = asdict(found.reading)
    return answer


def show(
    found: Found,
    targets: Targets,
    stated: Purpose,
    named: Named,
    *,
    lang: str,
    explain: bool,
    console: Console | None = None,
) -> None:
    """Print the answer on standard output."""
    from rich.console import Console

    console, texts = console or Console(highlight=False), TEXTS[lang]
    console.print(
        texts["purpose"].format(text=stated.ja if lang == "ja" else stated.en),
        style="dim",
        markup=False,
        soft_wrap=True,
    )
    _say_doubts(found, texts, console)
    if found.total.records:
        _say_total(found.total, texts, console)
        _show_counts(
            console, texts, texts["hours"], texts["hour"], [(_hour(hour), c) for hour, c in found.hours.items()]
        )
        if len(targets) > 1:
            by_label = [(targets.labels[number], count) for number, count in found.indicators.items()]
            _show_counts(console, texts, texts["indicators"], texts["indicator"], by_label)
        _show_lines(found, named, texts, console)
    else:
        console.print(texts["none"], markup=False, soft_wrap=True)
    if explain:
        console.print(
            texts["explain"].format(**_grouped(asdict(found.reading))), style="dim", markup=False, soft_wrap=True
        )


def _say_doubts(found: Found, texts: Mapping[str, str], console: Console) -> None:
    for name, count in (("torn", found.reading.torn), ("missing", found.reading.missing)):
        if count:
            console.print(texts[name].format(count=count), style="bold", markup=False, soft_wrap=True)


def _say_total(total: Count, texts: Mapping[str, str], console: Console) -> None:
    console.print(texts["total"].format(**_grouped(asdict(total))), style="bold", markup=False, soft_wrap=True)
    console.print(texts["exported"], style="dim", markup=False, soft_wrap=True)
    if total.unattributed:
        console.print(texts["unattributed"].format(count=f"{total.unattributed:,}"), markup=False, soft_wrap=True)


def _show_counts(
    console: Console, texts: Mapping[str, str], title: str, first: str, counts: Sequence[tuple[str, Count]]
) -> None:
    table = _table(title)
    table.add_column(first)
    for name in ("lines_", "records", "packets", "octets"):
        table.add_column(texts[name], justify="right")
    for label, count in counts[:ROWS_SHOWN]:
        numbers = (count.lines, count.records, count.packets, count.octets)
        table.add_row(_plain(label), *(f"{number:,}" for number in numbers))
    _print(console, table, len(counts), texts)


def _show_lines(found: Found, named: Named, texts: Mapping[str, str], console: Console) -> None:
    table = _table(texts["lines"])
    table.add_column(texts["line"], no_wrap=True)
    table.add_column(texts["case"], justify="right")
    for name in ("records", "octets"):
        table.add_column(texts[name], justify="right")
    for name in ("first", "last"):
        table.add_column(texts[name])
    for count in found.lines[:ROWS_SHOWN]:
        number, line_id = named.get(count.line, (0, ""))
        times = (jst_and_utc(count.first_ms), jst_and_utc(count.last_ms))
        table.add_row(
            _plain(line_id) if line_id else key_text(count.line),
            f"{number}" if number else "",
            f"{count.records:,}",
            f"{count.octets:,}",
            *times,
        )
    _print(console, table, len(found.lines), texts)
    console.print(texts["named"], style="dim", markup=False, soft_wrap=True)


def _table(title: str) -> Table:
    from rich.table import Table

    return Table(title=title, title_justify="left", box=None, pad_edge=False)


def key_text(key: int) -> str:
    """A line's key as people see it."""
    return f"{key:016x}"


def _print(console: Console, table: Table, count: int, texts: Mapping[str, str]) -> None:
    console.print()
    console.print(table)
    if count > ROWS_SHOWN:
        console.print(texts["more"].format(count=f"{count - ROWS_SHOWN:,}"), style="dim", markup=False, soft_wrap=True)


def _line(count: LineCount, named: Named) -> dict[str, Any]:
    line: dict[str, Any] = {"line": key_text(count.line)}
    if count.line in named:
        line["case"], line["line_id"] = named[count.line]
    line |= {"records": count.records, "packets": count.packets, "octets": count.octets}
    return {**line, "first_seen": iso(count.first_ms), "last_seen": iso(count.last_ms)}


def _hour(hour_ms: int) -> str:
    moment = to_datetime(hour_ms)
    return f"{moment.astimezone(JST):%Y-%m-%d %H:%M} JST ({moment:%H:%M} UTC)"


def _grouped(numbers: Mapping[str, int]) -> dict[str, str]:
    return {name: f"{number:,}" for name, number in numbers.items()}


def _plain(text: str) -> str:
    """A feed's own words are no markup."""
    from rich.markup import escape

    return escape(text)
