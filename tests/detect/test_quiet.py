"""What would have kept a detection quiet, as people read it."""

from __future__ import annotations

import pytest

from detect.rows import ask, udp_target, udp_window
from sekisho.detect import sentences, weak
from sekisho.detect.detectors import udp_flood
from sekisho.detect.quiet import figure
from sekisho.detect.registry import DETECTORS

UDP = {"opens_pps_10s": 1500.0, "opens_pps_60s": 600.0, "opens_lasting_s": 0.0, "opens_packets_an_answer": 100.0}
DNS = {
    "opens_pps_10s": 1500.0,
    "opens_pps_60s": 1000.0,
    "opens_unanswered_pps_10s": 250.0,
    "opens_unanswered_pps_60s": 150.0,
}
SCAN = {"targets": 0.0, "ports": 900.0, "opens_ports_10min": 100.0, "opens_ports_60min": 200.0}


@pytest.mark.parametrize(("group", "ten_seconds", "minute"), [("home", 1500, 600), ("business", 3000, 1500)])
def test_a_flood_seen_both_ways_is_told_its_rates_and_its_answers(group: str, ten_seconds: float, minute: float):
    """Thresholds are those of the shape that was true, for the line's group."""
    targets = [udp_target("203.0.113.5", port, 1000, sampling=100) for port in range(1000, 1100)]
    (found,) = ask(udp_flood.DETECTOR, [udp_window(100_000, sampling=100)], targets, group=group)
    assert udp_flood.DETECTOR.quiet(found.evidence, "en") == (
        f"It would have stayed quiet below {ten_seconds:,} packets a second over ten seconds and {minute:,} over a "
        "minute, or with more than one packet in 100 answered."
    )
    assert udp_flood.DETECTOR.quiet(found.evidence, "ja") == (
        f"10 秒間の平均で毎秒 {ten_seconds:,} パケット、1 分間の平均で毎秒 {minute:,} パケットを"
        "どちらも下回っているか、100 パケットに 1 個を超える割合で応答が返っていれば、検知されませんでした。"
    )


def test_a_flood_that_only_lasting_proves_is_told_for_how_long():
    """One flow of full packets for two minutes, which may be a bulk transfer."""
    windows = [udp_window(80_000, at_s, octets=1400, sampling=10) for at_s in range(0, 120, 10)]
    targets = [udp_target("203.0.113.5", 5001, 960_000, octets=1400, sampling=10, until_s=120)]
    found = ask(udp_flood.DETECTOR, windows, targets)[0]
    assert not found.acts
    assert "or had it paused within 120 seconds." in udp_flood.DETECTOR.quiet(found.evidence, "en")
    assert "120 秒以内に途切れていれば、検知されませんでした。" in udp_flood.DETECTOR.quiet(found.evidence, "ja")


def test_answers_that_cannot_be_seen_are_no_way_to_stay_quiet():
    """One way only, the sentence says so instead."""
    text = sentences.quiet("udp_flood", {**UDP, "two_way": 0.0}, "en")
    assert text.endswith("600 over a minute; answers, which cannot be seen here, were not considered.")
    assert "応答が見えない" in sentences.quiet("udp_flood", {**UDP, "two_way": 0.0}, "ja")


@pytest.mark.parametrize(
    ("unlike", "expected"),
    [
        (
            {},
            "below 1,500 packets a second over ten seconds and 1,000 over a minute, unanswered ones below 250 and 150.",
        ),
        (
            {"opens_unanswered_pps_10s": 0.0, "opens_unanswered_pps_60s": 0.0},
            "below 1,500 packets a second over ten seconds and 1,000 over a minute.",
        ),
        (
            {"opens_pps_10s": 0.0, "opens_pps_60s": 0.0},
            "below 250 unanswered packets a second over ten seconds and 150 over a minute.",
        ),
    ],
)
def test_a_dns_flood_is_told_the_rates_that_counted(unlike: dict[str, float], expected: str):
    """All questions, the unanswered ones, or both at once."""
    assert sentences.quiet("dns_flood", DNS | unlike, "en") == f"It would have stayed quiet {expected}"


def test_a_scan_of_ports_is_told_the_ports():
    """Those of addresses did not decide."""
    text = sentences.quiet("scan", {**SCAN, "opens_probes_an_other": 2.0}, "en")
    assert "fewer than 100 such ports in ten minutes and 200 in an hour" in text


@pytest.mark.parametrize("kind", [detector.name for detector in DETECTORS])
@pytest.mark.parametrize("say", [sentences.explanation, sentences.quiet])
def test_evidence_of_another_version_says_nothing(say, kind: str):
    """A stored detection whose numbers have other names is no error."""
    assert say(kind, {"packets": 1.0, "caps": []}, "en") == ""


def test_an_operators_own_kind_is_told_its_thresholds_by_name():
    """Its title is its explanation."""
    evidence = {"title_ja": "トンネル", "title_en": "tunnel", "opens_packets_per_s": 200.0, "opens_share": 0.25}
    assert sentences.explanation("x_gre", evidence, "ja") == "トンネル"
    assert sentences.quiet("x_gre", evidence, "en") == (
        "It would have stayed quiet had its thresholds not been met: packets_per_s 200, share 0.25."
    )
    assert sentences.quiet("x_gre", evidence, "ja") == (
        "しきい値 (packets_per_s 200、share 0.25) の条件を満たさなければ、検知されませんでした。"
    )
    assert sentences.quiet("x_gre", {"title_en": "tunnel"}, "en").endswith(
        "had the conditions of its file not been met."
    )
    assert sentences.quiet("x_gre", {}, "en") == ""


def test_a_weak_line_is_told_what_all_of_them_made():
    """It is a UDP flood by its kind, and yet none by the numbers of one."""
    evidence = {"event_lines": 20.0, "opens_lines": 8.0, "opens_joint_pps": 2000.0, "opens_line_pps": 100.0}
    assert "One of 20 lines" in sentences.explanation("udp_flood", evidence, "en")
    assert sentences.quiet("udp_flood", evidence, "en") == (
        "It would have stayed quiet with fewer than 8 lines on the same target, or below 2,000 packets a second of all "
        "of them, or below 100 packets a second a line on average."
    )
    assert sentences.quiet("udp_flood", evidence, "ja") == weak.quiet(evidence, "ja")


@pytest.mark.parametrize(
    ("value", "text"), [(1500.0, "1,500"), (12_345.6, "12,346"), (40.000_000_1, "40"), (0.25, "0.25"), (6.53, "6.53")]
)
def test_a_threshold_is_written_as_people_write_it(value: float, text: str):
    """Grouped, and without the noise of a division."""
    assert figure(value) == text
