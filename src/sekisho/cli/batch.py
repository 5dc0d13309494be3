"""``sekisho batch``: what is done once a day over the flow store, on either engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sekisho.cli.analyze import EngineName, Form, Language
from sekisho.cli.cases import ConfigOption, FormOption, LanguageOption  # noqa: TC001 (Typer reads them at run time)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sekisho.core.config import Config
    from sekisho.pipeline.scheduled import Done

EXAMPLES = """
Examples:

    sekisho batch run --config /etc/sekisho/sekisho.toml

    sekisho batch run --config sekisho.toml --engine spark --master spark://master:7077 --format json
"""

TEXTS = {
    "en": {
        "nothing": "Nothing is due: every whole day of the store has its report, and no indicator is new.",
        "day": "{day} (JST): {hours} of 24 hours have flows; {records} records of {lines} lines.",
        "learnt": "Usual hours: {hours_learnt} learnt, {hours_missed} not (an outage); {lines} lines are known.",
        "refused": "{lines_refused} lines were not learnt: there is no room for them.",
        "quiet": "Nothing that only a whole day tells.",
        "finding": "{line_id} [{kind}, for a person to look at] {explanation}",
        "hunt": "New indicators: {entries}. {records} records of {lines} lines went there, ever since flows are kept.",
        "indicator": "  {label}: {lines} lines, {records} records",
        "missed": "No flows are left of {days}: nobody looked at these days in time ([store] raw_hours).",
    },
    "ja": {
        "nothing": "実行すべき処理はありません。保存されている日はすべて報告済みで、新しいインジケーターもありません。",
        "day": "{day} (JST): 24 時間のうち {hours} 時間分のフローがあります。{lines} 回線、{records} レコード。",
        "learnt": "普段の送信量: {hours_learnt} 時間分を学習、{hours_missed} 時間分は欠測とみなして除外。"
        "学習済みの回線は {lines} 本です。",
        "refused": "{lines_refused} 本の回線は、上限に達しているため学習していません。",
        "quiet": "1 日を通して見て初めて分かるような通信はありませんでした。",
        "finding": "{line_id} [{kind}、人による確認が必要] {explanation}",
        "hunt": "新しいインジケーター: {entries} 件。保存されている全期間で、{lines} 回線から {records} レコードの"
        "通信がありました。",
        "indicator": "  {label}: {lines} 回線、{records} レコード",
        "missed": "{days} のフローは残っていません。保存期間 ([store] raw_hours) のうちに処理されませんでした。",
    },
}

app = typer.Typer(no_args_is_help=True, help="Do what is due once a day over the flow store.")


@app.callback()
def batch() -> None:
    """Stand before the commands, so that there can be more than one."""


@app.command(epilog=EXAMPLES)
def run(
    config: ConfigOption = None,
    engine: Annotated[EngineName, typer.Option(help="What reads the flows: this process, or Spark.")] = (
        EngineName.DUCKDB
    ),
    master: Annotated[
        str, typer.Option("--master", help="Spark's master, such as spark://HOST:7077; with --engine spark.")
    ] = "local[*]",
    form: FormOption = Form.TABLE,
    lang: LanguageOption = None,
) -> None:
    """Do each whole day of the store that has no report yet, and hunt for indicators that are new.

    Of a day: what each line usually sends is learnt, slow scans and days far above the usual are found. All of it is
    for a person to look at; no case is opened and nobody is told. Reports stand as JSON in `batch` below the state
    directory. Run twice it does nothing; days that nobody ran are caught up with while their flows are kept.
    """
    import json

    from sekisho.cli.cases import configuration

    settings = configuration(config)
    done = _run(settings, _state(settings, config), engine, master)
    if form is Form.JSON:
        typer.echo(json.dumps(done.to_json(), ensure_ascii=False, indent=1))
    else:
        for line in _lines(done, (lang or Language.of_environment()).value):
            typer.echo(line)


def _run(settings: Config, folder: Path, engine: EngineName, master: str) -> Done:
    from sekisho.cli import progress
    from sekisho.cli.hunt import caller
    from sekisho.core.errors import InputError
    from sekisho.core.time import now_ms
    from sekisho.pipeline import scheduled
    from sekisho.pipeline.batch import load_attributor
    from sekisho.query.duckdb import DuckDBEngine

    root = settings.store.directory
    if root is None:
        raise InputError("flow store", "expected [store] directory in the file that --config names")
    spark = None
    if engine is EngineName.SPARK:
        from sekisho.query.spark import SparkEngine

        spark = SparkEngine(master=master)
    with progress.bar() as bar:
        attributor = load_attributor(settings, (), None, bar)
        attributor.start()
        asks = scheduled.Engine(here=DuckDBEngine(), spark=spark)
        try:
            return scheduled.run(
                settings,
                folder,
                root,
                attributor=attributor,
                engine=asks,
                now_ms=now_ms(),
                who=caller(),
                on_progress=bar,
            )
        finally:
            asks.close()


def _state(settings: Config, config: Path | None) -> Path:
    """What the batch keeps, beside the state of ``serve``."""
    from pathlib import Path

    from sekisho.pipeline.scheduled import FOLDER

    return settings.serve.state_beside(config or Path("sekisho.toml")) / FOLDER


def _lines(done: Done, lang: str) -> list[str]:
    texts = TEXTS[lang]
    lines = [texts["missed"].format(days=", ".join(done.missed))] if done.missed else []
    for day in done.days:
        lines += _of_day(day, texts, lang)
    if done.hunt is not None:
        lines.append(texts["hunt"].format(entries=done.hunt["entries"], **_grouped(done.hunt["total"])))
        lines += [texts["indicator"].format(label=each["label"], **_grouped(each)) for each in done.hunt["indicators"]]
    return lines or [texts["nothing"]]


def _of_day(day: Mapping[str, Any], texts: Mapping[str, str], lang: str) -> list[str]:
    learnt = day["baseline"]
    lines = [texts["day"].format(day=day["day"], **_grouped(day)), texts["learnt"].format(**_grouped(learnt))]
    if learnt["lines_refused"]:
        lines.append(texts["refused"].format(**_grouped(learnt)))
    found = [
        texts["finding"].format(line_id=each["line_id"], kind=each["kind"], explanation=each["explanation"][lang])
        for each in day["findings"]
    ]
    return lines + (found or [texts["quiet"]])


def _grouped(values: Mapping[str, Any]) -> dict[str, str]:
    """Whole numbers as people read them."""
    return {name: f"{value:,}" for name, value in values.items() if isinstance(value, int)}
