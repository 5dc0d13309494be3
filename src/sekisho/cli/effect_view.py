"""What notices achieved, on a terminal: mistakes of ours first, and never without the lines that nobody wrote to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from sekisho.cases.effect import NOBODY_TOLD
from sekisho.cli.case_view import kind_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.cases.effect import Effect

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "mistakes": "{notices} notices sent. Wrong line: {wrong_lines}. Look-alikes: {look_alikes}. "
        "Complaints: {complaints}.",
        "none": "No case is two weeks old yet: nothing can be said about the effect.",
        "kind": "what",
        "channel": "told by",
        "nobody": "nobody was told",
        "cases": "cases",
        "clean": "over within two weeks",
        "share": "share (95 %)",
        "how": "Over: resolved, and nothing seen after two weeks. Compare a channel with the row “nobody was told” of "
        "the same kind; where the intervals overlap, no effect is shown.",
    },
    "ja": {
        "mistakes": "通知 {notices} 件。回線の誤り {wrong_lines} 件、誤検知 {look_alikes} 件、苦情 {complaints} 件。",
        "none": "2 週間を過ぎたケースがまだないため、効果は分かりません。",
        "kind": "内容",
        "channel": "通知の手段",
        "nobody": "通知なし",
        "cases": "件数",
        "clean": "2 週間以内に収束",
        "share": "割合 (95 %)",
        "how": "収束: 解決済みで、2 週間を過ぎてから一度も観測されていないもの。"
        "同じ内容の「通知なし」と比べてください。区間が重なる場合、効果があったとは言えません。",
    },
}


def show(effect: Effect, lang: str, *, console: Console | None = None) -> None:
    """Print the report."""
    console, texts = console or Console(highlight=False), TEXTS[lang]
    console.print(
        texts["mistakes"].format(
            notices=effect.notices,
            wrong_lines=effect.wrong_lines,
            look_alikes=effect.look_alikes,
            complaints=effect.complaints,
        )
    )
    if not effect.rows:
        console.print(texts["none"])
        return
    table = Table(box=None, pad_edge=False)
    for name in ("kind", "channel", "cases", "clean", "share"):
        table.add_column(texts[name], justify="left" if name in {"kind", "channel"} else "right")
    for row in effect.rows:
        low, high = row.interval_95
        table.add_row(
            kind_name(row.kind, lang),
            texts["nobody"] if row.channel == NOBODY_TOLD else row.channel,
            str(row.cases),
            str(row.clean),
            f"{row.clean / row.cases:.0%} ({low:.0%}–{high:.0%})",
        )
    console.print(table)
    console.print(texts["how"])
