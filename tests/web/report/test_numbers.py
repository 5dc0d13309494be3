"""Numbers as the report writes them."""

from __future__ import annotations

import pytest

from sekisho.web.report import numbers
from sekisho.web.report.series import ReportSeries


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (8, "8"), (8.25, "8.25"), (999, "999"), (1000, "1.00 k"), (45_060, "45.1 k"), (9.996e6, "10.0 M")],
)
def test_three_digits_count(value, text):
    """Quantities have three significant digits and an SI prefix."""
    assert numbers.quantity(value).replace("\u00a0", " ") == text


def test_unit_follows_the_prefix():
    """The prefix belongs to the unit."""
    assert numbers.quantity(2.3e8, "bit/s") == "230\u00a0Mbit/s"


def test_an_interval_has_one_unit():
    """Value and limits share a prefix, also where the lower limit is 0."""
    assert numbers.interval(8, 0, 24) == "8 (0–24)"
    assert numbers.interval(45_100, 900, 46_000) == "45.1\u00a0k (0.9–46.0)"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0.0 %"), (0.0004, "< 0.1 %"), (0.116, "11.6 %"), (0.999, "100 %"), (1, "100 %")]
)
def test_little_is_not_nothing(value, text):
    """A share that is there but small is not written as 0."""
    assert numbers.share(value).replace("\u00a0", " ") == text


@pytest.mark.parametrize(("value", "text"), [(40, "40 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_durations(value, text):
    """Durations are in the unit that a person would use."""
    assert numbers.seconds(value).replace("\u00a0", " ") == text


def test_series_of_unequal_length_are_refused():
    """A series that does not fit its times is an error, not a crooked plot."""
    with pytest.raises(ValueError, match="as long as times_ms"):
        ReportSeries(times_ms=[0, 1], outbound_bps=[1.0])


def test_abnormal_never_exceeds_the_total():
    """Two detections on the same packets do not make more traffic than was sent."""
    made = ReportSeries(times_ms=[0, 1], outbound_bps=[5.0, 5.0], detected_bps={("a", "k"): [4, 0], ("a", "l"): [4, 1]})
    assert made.abnormal_bps.tolist() == [5.0, 1.0]
