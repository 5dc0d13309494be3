"""How far numbers can be trusted: every limit, from both sides."""

from __future__ import annotations

import pytest

from sekisho.core.metrics import BY_NAME, Sample
from sekisho.serve.status import Status
from sekisho.web.console.trust import STALE_MS, Trust, trust_of
from web.console.world import NOW, statuses


def told(*samples: Sample, at_ms: int = NOW, process: str = "collector") -> Status:
    return Status(process=process, at_ms=at_ms, samples=samples, alarms=(), about={})


def of(*samples: Sample) -> Trust:
    return trust_of([told(*samples)], NOW)


def lost(units: int) -> list[Sample]:
    """Of a hundred."""
    names = ("export_units_total", "export_units_lost_total")
    return [Sample(name, ("a", "0", "r"), count) for name, count in zip(names, (100, units), strict=True)]


@pytest.mark.parametrize(
    ("samples", "is_well"),
    [
        ([Sample("exporter_silent_seconds", ("a",), 299.9)], True),
        ([Sample("exporter_silent_seconds", ("a",), 300.0)], False),
        (lost(1), True),
        (lost(2), False),
        ([Sample("coverage_ratio", ("a",), 0.8)], True),
        ([Sample("coverage_ratio", ("a",), 0.79)], False),
        ([Sample("coverage_ratio", ("a",), 1.21)], False),
    ],
)  # fmt: skip
def test_each_limit_from_both_sides(samples: list[Sample], *, is_well: bool) -> None:
    """A whole exporter, and through it everything."""
    trust = of(*samples, Sample("stream_delay_seconds", (), 0.5))
    assert [exporter.is_well for exporter in trust.exporters] == [is_well]
    assert trust.is_well is is_well


def test_a_collector_that_has_measured_nothing_yet_is_not_good() -> None:
    """It has just been started, or nobody sends."""
    assert not of().is_well
    assert of(Sample("stream_delay_seconds", (), 0.5)).is_well


def test_the_exporter_to_look_at_is_first() -> None:
    """However its name sorts."""
    trust = of(Sample("exporter_silent_seconds", ("a",), 1), Sample("exporter_silent_seconds", ("z",), 900))
    assert [exporter.name for exporter in trust.exporters] == ["z", "a"]


def test_losses_of_all_domains_are_one_share() -> None:
    """A quiet domain does not hide a lossy one, nor the other way round."""
    trust = of(
        *(Sample("export_units_total", ("a", domain, "r"), 100.0) for domain in "01"),
        Sample("export_units_lost_total", ("a", "1", "r"), 10.0),
        *(Sample("clock_skew_seconds", ("a", domain), skew) for domain, skew in (("0", 1.0), ("1", -3.0))),
    )
    assert (trust.exporters[0].lost, trust.exporters[0].skew_s) == (0.05, -3.0)


@pytest.mark.parametrize(("age_ms", "is_told"), [(STALE_MS - 1, True), (STALE_MS, False)])
def test_a_collector_that_does_not_tell_measures_nothing(age_ms: int, *, is_told: bool) -> None:
    """However well its last word was."""
    assert trust_of([told(at_ms=NOW - age_ms)], NOW).is_told is is_told


def test_nobody_tells() -> None:
    """No process, no number, no error."""
    trust = trust_of([], NOW)
    assert (trust.is_told, trust.told_ms, trust.delay_s, trust.unattributed, trust.exporters) == (
        False,
        None,
        None,
        None,
        (),
    )


def test_a_process_that_is_wanted_and_down_is_ill_and_one_that_is_not_wanted_is_not_shown() -> None:
    """The supervisor says which are wanted; what others told lies there still."""
    trust = trust_of([*statuses(), told(process="portal", at_ms=0)], NOW)
    assert [process.name for process in trust.ill] == ["keeper"]
    assert "portal" not in [process.name for process in trust.processes]


def test_every_number_that_is_asked_for_is_told_by_somebody() -> None:
    """A metric that is renamed is renamed here too."""
    for name in (
        "records_total", "unattributed_total", "stream_delay_seconds", "kernel_drops_total", "shed_total",
        "exporter_silent_seconds", "export_units_total", "export_units_lost_total", "coverage_ratio",
        "clock_skew_seconds", "process_up", "source_silent_seconds", "source_delay_seconds",
    ):  # fmt: skip
        assert name in BY_NAME
