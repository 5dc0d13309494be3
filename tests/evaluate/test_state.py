"""What was measured stays, over sessions and commits, and so do the sections of the page that were not."""

from __future__ import annotations

from dataclasses import asdict

from evaluate.__main__ import page_of
from evaluate.long_run import Days
from evaluate.state import State

from evaluate import long_run


def days(accused: list) -> dict:
    return asdict(Days(sampling=1000, line_days=3000, accused=accused, watched=[], records=7, cpu_s=1))


def test_measuring_again_keeps_what_was_found_before(tmp_path):
    """The later of two pieces counts, the earlier one stays in the file of its part."""
    State(tmp_path).add("look-alikes", [], "former", seconds=1)
    state = State(tmp_path, again=True)
    assert not state.has("look-alikes", [])
    state.add("look-alikes", [], "later", seconds=1)
    assert state.has("look-alikes", [])
    read = State(tmp_path)
    assert [piece.value for piece in read.of("look-alikes")] == ["later"]
    assert [piece.value for piece in read.all_of("look-alikes")] == ["former", "later"]
    assert [path.name for path in tmp_path.iterdir()] == ["look-alikes.jsonl"]


def test_an_accusation_stays_on_the_page_after_it_is_mended(tmp_path):
    """The same days judged by two commits are two rows."""
    state = State(tmp_path)
    for commit, accused in (("aaa", [["L1", "tcp_flood"]]), ("bbb", [])):
        state.add(long_run.PART, [1000, 0], days(accused), seconds=1)
        state.pieces[-1] = type(state.pieces[-1])(**asdict(state.pieces[-1]) | {"commit": commit})
    page = long_run.page(long_run.measured(state))
    assert "| 1:1000 | aaa | 3,000 | 7 | 1 |" in page
    assert "| 1:1000 | bbb | 3,000 | 7 | 0 |" in page


def test_the_sampling_intervals_take_turns_and_a_piece_that_let_rows_go_is_measured_again(tmp_path, monkeypatch):
    """What is interrupted has measured both; rows that left early make a piece worthless, other pieces stay."""
    state = State(tmp_path)
    state.add(long_run.PART, [1000, 0], days([]), seconds=1)
    state.add(long_run.PART, [4096, 0], days([]) | {"dropped": {"window_limit_early": 1}}, seconds=1)
    asked = []

    def judged(*, sampling: int, lines: int, hours: float, seed: int, after_h: float) -> Days:
        asked.append((sampling, seed, after_h))
        return Days(sampling=sampling, line_days=lines * hours / 24, accused=[], watched=[], records=1, cpu_s=1)

    monkeypatch.setattr(long_run, "days", judged)
    long_run.measure(state, line_days=6000)
    assert asked == [(4096, 100, 0), (1000, 101, 3), (4096, 101, 3)]


def test_a_section_without_a_piece_stays_as_it_was():
    """A page written from some parts keeps the others."""
    before = "\n## Attacks\n\nold figures\n\n## Something else\n\nother\n"
    page = page_of(State(), before)
    assert "\n## Attacks\n\nold figures\n" in page
    assert "other" not in page
