"""What keeps a detection at ``watch``, one reason at a time."""

from __future__ import annotations

import pytest

from sekisho.detect.level import LineInfo, answers_lost, caps, confidence, level
from sekisho.schema.detection import Cap, Level, Quality

FINE = {"line": LineInfo(up_bps=100_000_000), "quality": Quality(coverage=1.0), "low_bps": 1e8}
FINE |= {"inferred_share": 0.0, "unknown_sampling_share": 0.0}


@pytest.mark.parametrize(
    ("change", "cap"),
    [
        ({"inferred_share": 0.06}, Cap.ATTRIBUTION_INFERRED),
        ({"unknown_sampling_share": 0.06}, Cap.SAMPLING_UNKNOWN),
        ({"line": LineInfo(inside_visible=False)}, Cap.INSIDE_NOT_VISIBLE),
        ({"low_bps": 1.21e8}, Cap.FASTER_THAN_LINE),
        ({"quality": Quality(coverage=0.79)}, Cap.COVERAGE_ALARM),
        ({"quality": Quality(coverage=1.21)}, Cap.COVERAGE_ALARM),
    ],
)
def test_each_reason_caps_at_watch(change: dict, cap: Cap):
    """One reason is enough, and it is named."""
    reasons = caps(**(FINE | change))
    assert reasons == (cap,)
    assert level(reasons) is Level.WATCH


@pytest.mark.parametrize(
    "change",
    [{}, {"low_bps": 1.19e8}, {"line": LineInfo(), "low_bps": 1e12}, {"quality": Quality()}, {"inferred_share": 0.05}],
)
def test_nothing_else_does(change: dict):
    """A flood at line rate, an unknown speed and an unknown coverage stay at ``act``."""
    reasons = caps(**(FINE | change))
    assert reasons == ()
    assert level(reasons) is Level.ACT


def test_confidence_grows_with_samples_and_falls_with_what_is_missing():
    """More sampled packets, both ways and no loss are surer; always within 0 and 1."""
    best = {"sampled_packets": 1000.0, "two_way": True, "loss": 0.0, "reasons": ()}
    top = confidence(**best)
    for worse in ({"sampled_packets": 20.0}, {"two_way": False}, {"loss": 0.2}, {"reasons": (Cap.SAMPLING_UNKNOWN,)}):
        assert 0 <= confidence(**(best | worse)) < top <= 1


@pytest.mark.parametrize(
    ("loss", "records", "duration_ms", "capped"),
    [
        (0.0, 1, 10_000, False),
        (0.2, 2, 90_000, True),
        (0.2, 2, 600_000, False),
        (0.2, 400, 20_000, False),
        (0.001, 1, 10_000, True),
        (0.001, 1, 70_000, False),
    ],
    ids=["nothing lost", "one upload", "ten minutes", "scattered", "one record", "two records"],
)
def test_where_the_answers_may_be_lost_their_absence_proves_nothing(
    loss: float, records: float, duration_ms: int, capped: bool
):
    """One datagram may have held them all; of many, or over many minutes, some would have come."""
    lost = answers_lost(loss=loss, records=records, duration_ms=duration_ms)
    found = caps(
        line=LineInfo(),
        quality=Quality(loss=loss),
        low_bps=1e6,
        inferred_share=0,
        unknown_sampling_share=0,
        answers_lost=lost,
    )
    assert (Cap.ANSWERS_MAY_BE_LOST in found) == capped
