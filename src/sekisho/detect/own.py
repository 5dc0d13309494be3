"""The operator's own detectors, one TOML file each in ``detectors.d``, checked at start.

A mistake in one of them must not wait for the night on which the line appears that it was written for: its SQL is held
to the portable subset and asked about empty tables, and what does not fit is told with file, key, expected and found.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, make_dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from sekisho.core.errors import ConfigError, InputError
from sekisho.detect.detector import CANDIDATE, GROUPS, TARGET, Detector, Language, threshold
from sekisho.detect.own_file import SAMPLED, WINDOW_S, Simple, read_own_file
from sekisho.detect.own_simple import expressions_of, statements_of
from sekisho.detect.question import columns_named, params_table, screen_sql
from sekisho.detect.quiet import OPENS, by_thresholds
from sekisho.query.portable import check
from sekisho.schema.line_target import LINE_TARGET
from sekisho.schema.line_window import LINE_WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from sekisho.detect.own_file import OwnFile, Statements
    from sekisho.query.engine import Engine

DETECTORS_LIMIT = 64
"""Files read at most: every one of them is asked at every tick."""

_DEFAULT_SAMPLED = threshold(20, "sampled packets", "the rate of 20 is known to a factor of 1.6")


def own_detectors(directory: Path, *, engine: Engine, acting: Collection[str] = ()) -> tuple[Detector, ...]:
    """Every detector of a directory, by file name.

    Args:
        directory: holds one ``*.toml`` a detector.
        engine: what will run them.
        acting: names of those whose detections may open a case; those of the others are for a person.

    Raises:
        InputError: the directory or a file cannot be read.
        ConfigError: a file is wrong.
    """
    found: dict[str, Path] = {}
    detectors = []
    for path in _files(directory):
        own = read_own_file(path)
        if own.name in found:
            raise ConfigError(path, "name", expected=f"another name than in {found[own.name].name}", found=own.name)
        found[own.name] = path
        form = own.form
        detector = _detector(own, statements_of(form, own.thresholds) if isinstance(form, Simple) else form)
        _check(detector, own, _Ask(path=path, engine=engine))
        detectors.append(replace(detector, candidates=_with_thresholds(detector), acts=own.name in acting))
    return tuple(detectors)


def _files(directory: Path) -> list[Path]:
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".toml")
    except OSError as error:
        raise InputError(directory, f"expected a directory of detectors, found: {error.strerror}") from error
    if len(paths) > DETECTORS_LIMIT:
        raise InputError(directory, f"expected at most {DETECTORS_LIMIT} detectors, found {len(paths)}")
    return paths


def _detector(own: OwnFile, statements: Statements) -> Detector:
    return Detector(
        name=own.name,
        kinds=(own.name,),
        params=_params(own),
        screen=statements.screen,
        suspects=statements.suspects,
        candidates=statements.candidates,
        targets=statements.targets,
        reach_ms=statements.reach_s * 1000,
        gap_ms=own.gap_s * 1000,
        explain=_explanation(own),
        quiet=by_thresholds,
        texts={"title_ja": own.title.ja, "title_en": own.title.en},
    )


def _with_thresholds(detector: Detector) -> str:
    """The same candidates with the thresholds of the line's group as evidence."""
    columns = "".join(f", p.{each.name} as {OPENS}{each.name}" for each in fields(detector.params["home"]))
    return f"select c.*{columns}\nfrom ({detector.candidates}\n) c\n  join params p on p.line = c.line"


def _params(own: OwnFile) -> dict[str, Any]:
    """Thresholds by group, as shipped detectors have them."""
    given = {name: threshold(each.value, each.unit, each.why) for name, each in own.thresholds.items()}
    if own.simple is not None:
        given.setdefault(SAMPLED, _DEFAULT_SAMPLED)
    columns = [(name, float, default) for name, default in given.items()]
    params = make_dataclass("Params", columns, frozen=True, slots=True, kw_only=True)
    differing = {
        group: {
            name: value for name, each in own.thresholds.items() if (value := getattr(each, group, None)) is not None
        }
        for group in GROUPS
    }
    return {group: params(**values) for group, values in differing.items()}


def _explanation(own: OwnFile) -> Callable[[Mapping[str, Any], Language], str]:
    def explain(row: Mapping[str, Any], lang: Language) -> str:
        pps = row["packets"] / WINDOW_S
        if lang == "ja":
            return f"{own.title.ja} (最も多い 10 秒間で毎秒 {pps:,.0f} パケット)。"
        return f"{own.title.en} ({pps:,.0f} packets/s in the highest ten seconds)."

    return explain


def _check(detector: Detector, own: OwnFile, ask: _Ask) -> None:
    """Ask about no line at all: every name is known, every column there, every construct portable.

    Raises:
        ConfigError: names the key.
    """
    if own.simple is not None:
        for key, statement in expressions_of(own.simple).items():
            ask(f"simple.{key}", statement)
    form = "simple" if own.simple is not None else "sql"
    screen = _with_least(detector, detector.screen, ask.path, f"{form}.screen")
    ask(f"{form}.screen", screen_sql({detector.name: screen}))
    if detector.suspects:
        suspects = _with_least(detector, detector.suspects, ask.path, f"{form}.suspects")
        ask.columns(f"{form}.suspects", ask(f"{form}.suspects", suspects, only=suspects), ("line",))
    params = {"params": params_table(detector, [], [], [])}
    candidates = ask(f"{form}.candidates", detector.candidates, **params)
    ask.columns(f"{form}.candidates", candidates, CANDIDATE, more=True)
    ask.columns(f"{form}.targets", ask(f"{form}.targets", detector.targets, **params), TARGET)


def _with_least(detector: Detector, text: str, path: Path, key: str) -> str:
    try:
        return detector.least(text)
    except (KeyError, IndexError, ValueError) as error:
        expected = "thresholds of this file in braces"
        raise ConfigError(path, key, expected=expected, found=str(error).strip("'")) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """Runs a file's statements over tables without rows."""

    path: Path
    engine: Engine

    def __call__(self, key: str, sql: str, *, only: str = "", **further: pa.Table) -> pa.Table:
        """The answer; ``only`` is the statement whose columns alone are there, as at a tick."""
        if problems := check(sql):
            raise ConfigError(self.path, key, expected="SQL that every engine runs alike", found=problems[0])
        tables = {table.name: table.arrow_schema().empty_table() for table in (LINE_WINDOW, LINE_TARGET)}
        if only:
            if not (names := columns_named(only, LINE_TARGET)):
                raise ConfigError(self.path, key, expected="columns of line_target by their names", found=only)
            tables = {"line_target": tables["line_target"].select(names)}
        try:
            return self.engine.run(sql, {**tables, **further})
        except ValueError as error:
            expected = f"a statement over {', '.join((*tables, *further))}"
            problem = str(error).removeprefix("the statement does not run: ").splitlines()[0]
            raise ConfigError(self.path, key, expected=expected, found=problem) from error

    def columns(self, key: str, answer: pa.Table, names: Sequence[str], *, more: bool = False) -> None:
        """Require the columns of an answer: these numbers, and others only where there may be more."""
        fits = set(names) <= set(answer.column_names) if more else answer.column_names == list(names)
        if not fits:
            expected = f"the columns {', '.join(names)}" + (" and evidence" if more else " and no others")
            raise ConfigError(self.path, key, expected=expected, found=", ".join(answer.column_names))
        for name in names:
            column = answer.schema.field(name).type
            if not (pa.types.is_integer(column) or pa.types.is_floating(column)):
                raise ConfigError(self.path, key, expected=f"numbers in the column {name}", found=str(column))
