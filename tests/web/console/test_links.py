"""Links on the NOC page: what hits them, their load, who causes it, and what is not measured."""

from __future__ import annotations

import re

import pytest

from sekisho.core.config import Config
from sekisho.serve.status import Status
from web.console.world import NOW, World, statuses

MEASURED = {
    "name": "bng-1/0", "kind": "bng", "capacity_bps": 1e9, "measured": "counters", "missing": ["lines_unknown"],
    "since": "2026-11-24T03:00:00.000Z", "peak_bps": 9.1e8, "p95_bps": 5e8, "lines": 3, "share": 0.62,
    "share_interval_95": [0.58, 0.66],
}  # fmt: skip
CONFIGURED = {"link": [{"name": "bng-1/0", "kind": "bng"}, {"name": "core-7", "kind": "core", "capacity_bps": 1e11}]}


def rows(console: World, language: str = "en") -> dict[str, str]:
    page = console.get("/noc", "operator", headers={"Accept-Language": language}).text
    table = page.split({"en": "<h2>Links</h2>", "ja": "<h2>リンク</h2>"}[language])[1].split("</section>")[0]
    found = [re.sub(r"<[^>]+>", " ", row) for row in table.split("<tr")[2:]]
    return {row.split(">", 1)[1].split()[0]: row for row in found}


def test_load_and_share_stand_beside_what_hits_the_link(console: World) -> None:
    """As the collector tells it, with the interval; a configured link of which it tells nothing is not measured."""
    collector = Status(process="collector", at_ms=NOW, samples=(), alarms=(), about={"links": [MEASURED]})
    console.console.config = Config.model_validate(CONFIGURED)
    console.console.statuses = lambda: [*statuses()[:1], collector]
    found = rows(console)
    for part in ("137", "910\u00a0Mbit/s", "91.0\u00a0%", "62.0\u00a0%", "58.0\u00a0%", "66.0\u00a0%"):
        assert part in found["bng-1/0"], part
    assert found["core-7"].count("not measured") == 2
    assert "Not known:" in " ".join(found.values())


@pytest.mark.parametrize(("language", "words"), [("en", "not measured"), ("ja", "計測なし")])
def test_without_a_collector_nothing_is_made_up(language: str, words: str, console: World) -> None:
    """The event still names its link."""
    found = rows(console, language)
    assert list(found) == ["bng-1/0"]
    assert found["bng-1/0"].count(words) == 2
