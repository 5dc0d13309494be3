"""What is usual for a line: learnt by hour of the week, kept in bounded memory, saved and read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from sekisho.core.errors import InputError
from sekisho.core.time import JST, to_datetime
from sekisho.detect.baseline import DAY, HOUR_MS, KEPT, SETTLE_MS, WEEK, Baseline
from sekisho.schema.line_target import BLOCK_MS

FIRST = 472_224
"""An hour: 2023-11-15 00:00 UTC, a Wednesday."""

MB = 1e6


class Stored:
    """Windows of every hour: a sixth of its octets in the first window of each ten minutes."""

    def __init__(self, octets: Callable[[int, int], float], lines: Collection[int] = (1,)) -> None:
        self.octets, self.lines = octets, lines

    def line_window(self, *, lines: Any, since_ms: int, columns: Collection[str]) -> pa.Table:
        assert lines is None
        starts = [start for start in (since_ms, since_ms + BLOCK_MS) for _ in self.lines for _ in range(2)]
        each = [line for _ in range(2) for line in self.lines for _ in range(2)]
        sides = [0, 1] * (2 * len(self.lines))
        octets = [
            9e12 if side else self.octets(line, start // HOUR_MS) / 6
            for line, side, start in zip(each, sides, starts, strict=True)
        ]
        rows = pa.table({"line": each, "side": sides, "window_start_ms": starts, "octets": octets})
        return rows.filter(pa.array([value > 0 for value in octets])).select(list(columns))


def learn(baseline: Baseline, stored: Stored, *, first: int = FIRST, hours: int, step_ms: int = BLOCK_MS) -> None:
    """Tick from a little before an hour until so many hours are learnt."""
    begin = first * HOUR_MS - 60_000
    for at_ms in range(begin, (first + hours) * HOUR_MS + SETTLE_MS + step_ms, step_ms):
        baseline.learn(at_ms, stored)


def usual(baseline: Baseline, hour: int, line: int = 1) -> dict[str, Any] | None:
    rows = baseline.for_lines([line, 999], hour * HOUR_MS + 5).to_pylist()
    return next((row for row in rows if row["hour_start_ms"] == hour * HOUR_MS), None)


def by_hour(_line: int, hour: int) -> float:
    """A line that sends 1 MB in the first hour of the week, 2 MB in the second and so on."""
    return (hour % WEEK + 1) * MB


def test_an_hour_is_compared_with_the_same_hour_of_earlier_weeks():
    """Median and number of weeks; nothing of what the line received."""
    baseline = Baseline(lines_limit=4)
    learn(baseline, Stored(by_hour), hours=3 * WEEK + 2)
    row = usual(baseline, FIRST + 3 * WEEK + 1)
    assert row["weeks"] == 3
    assert row["usual_octets"] == pytest.approx(by_hour(1, FIRST + 1), rel=0.05)
    assert row["spread"] == 0
    assert usual(baseline, FIRST + 3 * WEEK + 1, line=999) is None


def test_an_hour_of_the_week_is_the_same_in_japan():
    """Nine hours apart, all year: the same hours, none longer than another."""
    hours = [to_datetime((FIRST + week * WEEK) * HOUR_MS).astimezone(JST) for week in range(60)]
    assert {(h.weekday(), h.hour) for h in hours} == {(2, 9)}


def test_one_odd_week_changes_neither_median_nor_spread_much():
    """Three weeks of 100 MB and one of 100 GB."""
    odd = Stored(lambda _line, hour: 1e5 * MB if hour == FIRST + WEEK else 100 * MB)
    baseline = Baseline(lines_limit=4)
    learn(baseline, odd, hours=4 * WEEK)
    row = usual(baseline, FIRST + 4 * WEEK)
    assert row["weeks"] == 4
    assert row["usual_octets"] == pytest.approx(100 * MB, rel=0.05)
    assert row["spread"] < 0.1


def test_the_hour_itself_does_not_count_among_its_weeks():
    """Before and after it is learnt the same is usual: a verdict does not change by being learnt from."""
    burst = Stored(lambda _line, hour: 1e5 * MB if hour == FIRST + 3 * WEEK else 100 * MB)
    before, after = Baseline(lines_limit=4), Baseline(lines_limit=4)
    learn(before, burst, hours=3 * WEEK)
    learn(after, burst, hours=3 * WEEK + 1)
    assert usual(before, FIRST + 3 * WEEK) == usual(after, FIRST + 3 * WEEK)


def test_a_nightly_backup_that_goes_on_is_usual_from_the_third_night():
    """The second most of the same hour in the last seven days is usual too."""
    start = FIRST + 3 * WEEK
    backup = Stored(lambda _line, hour: 5e3 * MB if hour >= start and hour % DAY == start % DAY else 10 * MB)
    baseline = Baseline(lines_limit=4)
    learn(baseline, backup, hours=3 * WEEK + 3 * DAY)
    nights = [usual(baseline, start + night * DAY)["usual_octets"] for night in range(4)]
    assert nights == pytest.approx([10 * MB, 10 * MB, 5e3 * MB, 5e3 * MB], rel=0.05)


def test_a_weekly_backup_that_goes_on_is_within_the_spread_from_the_third_week():
    """Half of the weeks are high: their deviation is wide."""
    start = FIRST + 2 * WEEK
    backup = Stored(lambda _line, hour: 5e3 * MB if hour >= start and hour % WEEK == start % WEEK else 10 * MB)
    baseline = Baseline(lines_limit=4)
    learn(baseline, backup, hours=4 * WEEK)
    row = usual(baseline, start + 2 * WEEK)
    assert row["usual_octets"] * 2 ** (3 * row["spread"]) > 5e3 * MB


def test_a_holiday_in_the_week_is_as_usual_as_the_weekend():
    """Saturday's and Sunday's hour count on a Wednesday."""
    weekend = Stored(lambda _line, hour: 3e3 * MB if (hour - FIRST) % WEEK // DAY in {3, 4} else 10 * MB)
    baseline = Baseline(lines_limit=4)
    learn(baseline, weekend, hours=3 * WEEK)
    assert usual(baseline, FIRST + 3 * WEEK)["usual_octets"] == pytest.approx(3e3 * MB, rel=0.05)


def test_a_line_that_sends_nothing_in_an_hour_sends_little_then():
    """Silence is learnt like any other volume, as long as the other lines are seen."""
    quiet = Stored(lambda line, hour: 0 if line == 1 and hour % DAY == FIRST % DAY else 50 * MB, lines=(1, 2))
    baseline = Baseline(lines_limit=4)
    learn(baseline, quiet, hours=3 * WEEK + 2)
    row = usual(baseline, FIRST + 3 * WEEK)
    assert (row["weeks"], row["usual_octets"]) == (2, 1024)
    assert usual(baseline, FIRST + 3 * WEEK + 1)["usual_octets"] == pytest.approx(50 * MB, rel=0.05)


def test_an_outage_teaches_nothing():
    """Most lines vanish for an hour: the hour is left out for every line."""
    gone = FIRST + 2
    lines = range(1, 9)
    outage = Stored(lambda line, hour: 0 if hour in {gone, gone + 1} and line > 1 else 50 * MB, lines=lines)
    baseline = Baseline(lines_limit=8)
    learn(baseline, outage, hours=5)
    assert baseline.hours_missed == 2
    learnt = [usual(baseline, FIRST + hour + WEEK, line=2) is not None for hour in range(5)]
    assert learnt == [True, True, False, False, True]


def test_a_jump_of_the_stream_loses_the_hours_that_it_touches():
    """Half an hour without a tick: that hour is not learnt, the next whole one is."""
    stored, baseline = Stored(by_hour), Baseline(lines_limit=4)
    learn(baseline, stored, hours=2)
    learn(baseline, stored, first=FIRST + 3, hours=2)
    assert baseline.hours_missed == 1
    assert [usual(baseline, FIRST + hour + WEEK) is not None for hour in range(5)] == [True, True, False, True, True]


def test_what_is_five_weeks_old_is_forgotten():
    """Also where the stream was away meanwhile."""
    stored, baseline = Stored(by_hour), Baseline(lines_limit=4)
    learn(baseline, stored, hours=WEEK)
    learn(baseline, stored, first=FIRST + KEPT, hours=2)
    assert usual(baseline, FIRST + KEPT + 1) is None
    assert usual(baseline, FIRST + KEPT + 30) is None


def test_lines_beyond_the_limit_are_counted_and_not_learnt():
    """Until others have been silent for as long as anything is kept."""
    baseline = Baseline(lines_limit=2)
    learn(baseline, Stored(by_hour, lines=(5, 6, 7)), hours=2)
    assert (len(baseline), baseline.lines_refused) == (2, 2)
    learn(baseline, Stored(by_hour, lines=(7, 8)), first=FIRST + 2, hours=KEPT + 1)
    assert usual(baseline, FIRST + 2 + KEPT + WEEK, line=8) is not None
    assert usual(baseline, FIRST + 2 + KEPT, line=5) is None


def test_saved_and_read_it_is_the_same(tmp_path: Path):
    """And goes on learning where it was."""
    path = tmp_path / "baseline.parquet"
    whole, half = Baseline(lines_limit=4), Baseline(lines_limit=4)
    stored = Stored(by_hour, lines=(3, 1, 2))
    learn(whole, stored, hours=2 * WEEK)
    learn(half, stored, hours=WEEK)
    half.save(path)
    rest = Baseline.load(path, lines_limit=8)
    learn(rest, stored, first=FIRST + WEEK, hours=WEEK)
    at = FIRST + 2 * WEEK
    assert [usual(rest, at, line) for line in (1, 2, 3)] == [usual(whole, at, line) for line in (1, 2, 3)]
    assert usual(rest, at, 1) is not None
    assert [entry.name for entry in tmp_path.iterdir()] == ["baseline.parquet"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path):
    """The new file takes the old one's place only when it is whole."""
    path = tmp_path / "baseline.parquet"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        Baseline(lines_limit=1).save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["baseline.parquet"]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"line,codes\n"])
def test_another_file_is_an_error(tmp_path: Path, content: bytes):
    """One sentence that names it."""
    path = tmp_path / "baseline.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected a baseline"):
        Baseline.load(path)
    with pytest.raises(InputError, match="No such file"):
        Baseline.load(tmp_path / "none.parquet")


def test_another_table_is_an_error(tmp_path: Path):
    """Parquet, but not ours."""
    pa.parquet.write_table(pa.table({"line": [1]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="as Sekisho saves it"):
        Baseline.load(tmp_path / "x.parquet")


@pytest.mark.parametrize("octets", [0, 1, 1024, 12_345, 1e6, 5e9, 1e12])
def test_an_octet_count_is_kept_to_a_twentieth(octets: float):
    """Half a step of nine per cent, from a kilobyte to a terabyte an hour."""
    baseline = Baseline(lines_limit=4)
    learn(baseline, Stored(lambda _line, _hour: max(octets, 1e-3)), hours=1)
    assert usual(baseline, FIRST + WEEK)["usual_octets"] == pytest.approx(max(octets, 1024), rel=0.05)
    assert np.uint8 == baseline._codes.dtype
