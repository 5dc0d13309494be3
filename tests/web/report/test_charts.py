"""Plots."""

from __future__ import annotations

import re

import pytest

from sekisho.web.report.charts import MOST_POINTS, line_chart, traffic_chart
from sekisho.web.report.series import ReportSeries

START_MS = 1_793_530_800_000


def flat(count, step_ms=10_000):
    times = [START_MS + step_ms * n for n in range(count)]
    return ReportSeries(times_ms=times, outbound_bps=[1e9] * count, detected_bps={("L", "scan"): [4e8] * count})


@pytest.mark.parametrize("count", [1, 2, 6, 1000])
def test_any_length_can_be_drawn(count):
    """One interval and a thousand both give a picture in which both areas are there."""
    svg = traffic_chart(flat(count), label="x")
    assert "var(--usual)" in svg
    assert "var(--abnormal)" in svg


def test_long_series_are_averaged():
    """A week of ten-second intervals makes no larger drawing than the limit allows."""
    week = traffic_chart(flat(60_480), label="x")
    assert len(week) < 6 * len(traffic_chart(flat(MOST_POINTS // 4), label="x"))


def test_silence_can_be_drawn():
    """A series of zeros is a flat line, not an error."""
    assert "<svg" in line_chart(flat(5), [0.0] * 5, number=1, label="x")


def test_labels_are_escaped():
    """What a screen reader is told cannot become markup."""
    svg = line_chart(flat(5), [1.0] * 5, number=1, label='"><script>')
    assert "<script" not in svg


def test_two_plots_share_no_id():
    """Each plot has ids of its own, and refers to them only."""
    first, second = (line_chart(flat(5), [1.0] * 5, number=n, label="x") for n in (1, 2))
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', first)) == ids[0]


def test_times_are_of_japan():
    """The axis below shows JST, the one above UTC."""
    svg = traffic_chart(flat(120), label="x")
    assert ">20:00<" in svg.replace("\n", "")
    assert ">11:00<" in svg.replace("\n", "")


def test_seconds_stand_on_both_axes_or_on_none():
    """Of half a minute every tick has a time of its own, in UTC as well."""
    svg = traffic_chart(flat(3), label="x").replace("\n", "")
    assert ">20:00:10<" in svg
    assert ">11:00:10<" in svg
    assert ">11:00<" not in svg
