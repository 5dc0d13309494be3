"""The dashboard: every number that it asks for is one that a running Sekisho tells."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sekisho.core.metrics import BY_NAME, PREFIX, MetricKind

if TYPE_CHECKING:
    from collections.abc import Iterator

DASHBOARD = json.loads((Path(__file__).parents[2] / "deploy" / "grafana" / "sekisho.json").read_text(encoding="utf-8"))
METRIC = re.compile(rf"{PREFIX}(\w+)(?:\{{([^}}]*)\}})?")
JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def targets() -> Iterator[tuple[str, str]]:
    """(expression, legend) of everything that is drawn."""
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"]


@pytest.mark.parametrize(("expression", "legend"), [*targets()])
def test_expressions_name_metrics_and_labels_of_the_registry(expression: str, legend: str):
    """Names, labels in braces, in `by (...)` and in the legend are declared; counters are never drawn as they stand."""
    found = METRIC.findall(expression)
    assert found
    for name, selector in found:
        metric = BY_NAME[name]
        used = set(re.findall(r"(\w+)(?==)", selector))
        used |= {label.strip() for part in re.findall(r"by \(([^)]*)\)", expression) for label in part.split(",")}
        used |= set(re.findall(r"\{\{(\w+)\}\}", legend))
        assert used <= set(metric.labels)
        is_over_time = re.search(rf"(rate|increase|changes)\({PREFIX}{name}\b", expression) is not None
        assert is_over_time == (metric.kind is MetricKind.COUNTER)


def test_variables_and_notes_name_metrics_of_the_registry():
    """What fills the choices and the annotations."""
    queries = [
        variable["query"]["query"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"
    ]
    queries += [note["expr"] for note in DASHBOARD["annotations"]["list"]]
    assert all(name in BY_NAME for query in queries for name, _ in METRIC.findall(query))


def test_panels_are_told_apart_and_speak_both_languages():
    """Titles and explanations hold English and Japanese; no two panels share a place or a number."""
    for panel in panels():
        assert all(JAPANESE.search(panel[key]) or panel[key] == "CPU / CPU" for key in ("title", "description"))
        assert panel["title"].count(" / ") == 1
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
