"""Scoring the owner's own password."""

from __future__ import annotations

import pytest

from sekisho.checkup.strength import STRONG, score


@pytest.mark.parametrize(
    "password", ["", "admin", "admin123", "password1", "12345678", "aaaaaaaaaaaa", "qwerty2024", "camera"]
)
def test_what_bots_try_is_weak(password: str) -> None:
    """Well-known words, runs, repeats and years add nothing."""
    assert score(password) < STRONG


@pytest.mark.parametrize("password", ["vK7#qPz2mWtX", "hibari-kumo-92-tsukue", "d8fj3kx0qz1p5h"])
def test_long_and_random_is_strong(password: str) -> None:
    """Twelve mixed characters, or a longer phrase."""
    assert score(password) >= STRONG


def test_more_of_it_is_never_weaker() -> None:
    """Appending a character that continues no run does not lower the score."""
    text = "vK7#qPz2mWtXe4Rb"
    scores = [score(text[:n]) for n in range(len(text))]
    assert scores == sorted(scores)
