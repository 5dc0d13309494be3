"""What a run looks for: indicators switch their detector on, and what was left out of them is said."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from analysed import analysed
from sekisho.core.config import Detection
from sekisho.detect.baseline import HOUR_MS, Baseline
from sekisho.pipeline.analysis import Analysis
from sekisho.pipeline.detecting import inputs_of
from sekisho.schema.line_target import BLOCK_MS
from sekisho.simulate.run import simulate
from small_scenarios import scenario

C2 = "203.0.113.200"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One bot, a connection a minute to its controller, and the file of indicators that names it."""
    folder = tmp_path_factory.mktemp("bot")
    bot = {"name": "bot", "kind": "c2_contact", "access": "pppoe", "start_s": 5, "duration_s": 280}
    simulate(scenario(duration_s=300, attack=[bot]), folder, seed=5)
    return folder


def contacts(analysis: Analysis) -> list[tuple[str, str]]:
    return [(d["kind"], d["level"]) for d in analysis.document["detections"]]


def test_indicators_switch_the_detector_on_for_a_run_and_for_good(network: Path):
    """By the option, by the configuration; without either it is off."""
    feed = network / "indicators.csv"
    assert contacts(analysed(network)) == []
    assert contacts(analysed(network, feed)) == [("c2_contact", "act")]
    assert contacts(analysed(network, config=f'\n[detect]\nindicators = ["{feed}"]\n')) == [("c2_contact", "act")]


def test_what_was_left_out_of_a_feed_is_said_in_both_languages(network: Path, tmp_path: Path):
    """Counts by reason and the first example; our own addresses are among what is left out."""
    feed = tmp_path / "feed.txt"
    ours = next(
        row.split(",")[1]
        for row in (network / "assignments.csv").read_text(encoding="utf-8").splitlines()
        if "2001:db8" in row
    )
    own_address = ours.split("/")[0].rstrip(":") + "::1"
    feed.write_text(f"{C2}\n8.8.8.8\n{own_address}\n", encoding="utf-8")
    found = analysed(network, feed)
    assert contacts(found) == [("c2_contact", "act")]
    (remark,) = (remark for remark in found.remarks if remark.key == "indicators")
    assert "1 indicators taken, 2 entries left out (public_service 1, ours 1)" in remark.text("en")
    assert "指標 1 件を読み込み、2 件を除外しました (public_service 1, ours 1)" in remark.text("ja")


def test_a_baseline_that_is_not_there_begins_empty_and_one_that_is_goes_on(tmp_path: Path):
    """The configured path is where it is kept."""
    path = tmp_path / "baseline.parquet"
    begun = inputs_of(Detection(baseline=path), is_ours=lambda _: False)
    assert (set(begun.tables), len(begun.baseline)) == ({"baseline"}, 0)
    baseline = Baseline(lines_limit=2)
    for at_ms in range(0, 3 * HOUR_MS, BLOCK_MS):
        baseline.learn(at_ms, _OneLine())
    baseline.save(path)
    assert len(inputs_of(Detection(baseline=path), is_ours=lambda _: False).baseline) == 1


class _OneLine:
    def line_window(self, *, lines, since_ms, columns):
        assert lines is None
        row = {"line": [1], "side": [0], "window_start_ms": [since_ms], "octets": [1e6]}
        return pa.table(row).select(list(columns))
