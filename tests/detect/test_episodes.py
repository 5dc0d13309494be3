"""How windows become episodes and how episodes change with their windows."""

from __future__ import annotations

from dataclasses import replace

from sekisho.detect.episodes import Block, Track, Window

T0 = 1_700_000_400_000
GAP = 60_000


def window(at_s: int, packets: float = 100.0, *, opens: bool = True) -> Window:
    return Window(
        start_ms=T0 + at_s * 1000,
        opens=opens,
        packets=packets,
        octets=packets * 100,
        sampled_packets=packets / 10,
        packets_var=0.0,
        octets_var=0.0,
        all_packets=packets,
        inferred_packets=0.0,
        all_sampled_packets=packets / 10,
        unknown_sampling_packets=0.0,
        evidence={},
    )


def spans(track: Track) -> list[tuple[int, int, int]]:
    return [((e.first_ms - T0) // 1000, (e.last_ms - T0) // 1000, e.detected_at_ms) for e in track.episodes]


def test_pulses_within_the_gap_are_one_episode():
    """Sixty seconds of silence join, seventy part."""
    track = Track(gap_ms=GAP)
    track.revise([window(0), window(70), window(150)], from_ms=T0, at_ms=1)
    assert spans(track) == [(0, 80, 1), (150, 160, 1)]


def test_windows_that_only_go_on_make_no_episode_and_join_one():
    """Sustaining windows count from both sides of an opening one, and are nothing without it."""
    track = Track(gap_ms=GAP)
    weak = [window(0, opens=False), window(20, opens=False)]
    track.revise(weak, from_ms=T0, at_ms=1)
    assert spans(track) == []
    track.revise([*weak, window(10)], from_ms=T0, at_ms=2)
    assert spans(track) == [(0, 30, 2)]


def test_a_newer_revision_replaces_and_removes():
    """Totals hold each window once, in its last form; an episode without its opening window is gone."""
    track = Track(gap_ms=GAP)
    track.revise([window(0), window(10)], from_ms=T0, at_ms=1)
    track.revise([window(10, packets=300)], from_ms=T0 + 10_000, at_ms=2)
    assert track.totals(track.episodes[0]).packets == 400
    assert spans(track) == [(0, 20, 1)]
    track.revise([window(0, opens=False)], from_ms=T0, at_ms=3)
    assert spans(track) == []


def test_rows_before_the_revised_time_fill_and_never_replace():
    """The look back over the horizon adds what was not known and leaves what was."""
    track = Track(gap_ms=GAP)
    track.revise([window(30, packets=100)], from_ms=T0, at_ms=1)
    track.revise([window(0, packets=7), window(30, packets=9), window(60)], from_ms=T0 + 60_000, at_ms=2)
    assert track.totals(track.episodes[0]).packets == 207
    assert spans(track) == [(0, 70, 1)]


def test_settling_changes_no_total():
    """An episode whose windows left the horizon has the same first, last, sums, peak and targets as before."""
    track = Track(gap_ms=600_000)
    windows = [window(10 * k, packets=float(50 + (k * 37) % 91)) for k in range(200)]
    track.revise(windows, from_ms=T0, at_ms=1)
    for k in range(4):
        track.blocks[T0 + 600_000 * k] = Block(networks={(0, k, 120, 80, 17): 5.0}, targets=k + 1)
    before = track.totals(track.episodes[0])
    track.settle(T0 + 1_300_000)
    after = track.totals(track.episodes[0])
    assert len(track.windows) == 70
    assert after == before
    track.revise(windows[130:], from_ms=T0 + 1_300_000, at_ms=2)
    assert spans(track) == [(0, 2000, 1)]
    assert replace(track.episodes[0], windows=()).last_ms == T0 + 1_300_000


def test_an_ended_episode_stays_and_a_later_one_is_its_own():
    """After settling, a window beyond the gap opens a second episode with its own time of detection."""
    track = Track(gap_ms=GAP)
    track.revise([window(0)], from_ms=T0, at_ms=1)
    track.settle(T0 + 600_000)
    track.revise([window(700)], from_ms=T0 + 600_000, at_ms=9)
    assert spans(track) == [(0, 10, 1), (700, 710, 9)]


def test_only_the_largest_networks_are_remembered():
    """A carpet over thousands of networks keeps a bounded list, the largest first."""
    track = Track(gap_ms=GAP)
    track.revise([window(0)], from_ms=T0, at_ms=1)
    track.blocks[T0] = Block(networks={(0, k, 120, 80, 17): float(k) for k in range(5000)}, targets=5000)
    sums = track.totals(track.episodes[0])
    assert len(sums.networks) <= 128
    assert sums.largest(1) == [((0, 4999, 120, 80, 17), 4999.0)]
    assert sums.targets == 5000
