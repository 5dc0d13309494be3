"""The rows with which every detector's own tests stand below, at and above its thresholds, gathered into few tables.

Those tests ask about one line at a time. Here each question becomes a line of its own, so that one statement over all
of them is held to the same edges.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from detect import rows
from sekisho.detect.level import LineInfo
from sekisho.detect.question import params_table
from sekisho.schema.line_target import LINE_TARGET
from sekisho.schema.line_window import LINE_WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.detect.detector import Detector

LINES_A_CASE = 16
"""Room for the lines of one question."""

Case = dict[str, Any]


def cases_of(detector: Detector) -> list[Case]:
    """What the detector's tests ask, as far as they do so by rows alone."""
    module = import_module(f"detect.detectors.test_{detector.name}")
    found: list[Case] = []

    def asked(_: Detector, windows: Any, targets: Any, **more: Any) -> list[Any]:
        found.append({"windows": list(windows), "targets": list(targets), **more})
        return []

    real, module.ask = module.ask, asked  # type: ignore[attr-defined]
    try:
        for name, test in sorted(vars(module).items()):
            if name.startswith("test_") and callable(test):
                for arguments in _arguments(test):
                    _call(test, arguments)
    finally:
        module.ask = real  # type: ignore[attr-defined]
    return found


def _call(test: Any, arguments: dict[str, Any]) -> None:
    # An empty answer disappoints the test; what it asked until then is all that counts.
    try:
        test(**arguments)
    except (AssertionError, ValueError, TypeError, IndexError, KeyError, ZeroDivisionError):
        return


def _arguments(test: Any) -> Iterator[dict[str, Any]]:
    """Every combination of the test's parameters; none where it needs a fixture or judges whole traffic."""
    source = inspect.getsource(test)
    if ".judge(" in source or "Traffic(" in source:
        return
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    axes = []
    for mark in marks:
        names = [name.strip() for name in (mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0])]
        axes.append([dict(zip(names, value if len(names) > 1 else [value], strict=True)) for value in mark.args[1]])
    needed = set(inspect.signature(test).parameters)
    for chosen in product(*axes):
        arguments = {name: value for part in chosen for name, value in part.items()}
        if set(arguments) == needed:
            yield arguments


def tables_of(detector: Detector, cases: list[Case]) -> dict[str, pa.Table]:
    """All cases in one set of tables, each with lines of its own."""
    parts: dict[str, list[pa.Table]] = {}
    for number, case in enumerate(cases):
        params = params_table(detector, [1], [LineInfo(group=case.get("group", "home"))], [case.get("two_way", True)])
        tables = {
            "line_window": rows.table(LINE_WINDOW, case["windows"]),
            "line_target": rows.table(LINE_TARGET, case["targets"]),
            "params": params,
            **(case.get("inputs") or {}),
        }
        for name, table in tables.items():
            parts.setdefault(name, []).append(_of_line(table, number))
    return {name: pa.concat_tables(tables).unify_dictionaries() for name, tables in parts.items()}


def _of_line(table: pa.Table, number: int) -> pa.Table:
    """The table of one case, under keys that no other case has."""
    for name in ("line", "indicator"):
        if name in table.column_names:
            key = table[name].to_numpy()
            moved = np.where(key < 0, -1, 1) * (number * LINES_A_CASE + np.abs(key))
            place = table.column_names.index(name)
            table = table.set_column(place, table.schema.field(name), pa.chunked_array([pa.array(moved, pa.int64())]))
    return table
