"""Firmware versions: ordered where both follow a scheme, otherwise UNKNOWN."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.checkup.data.version import VersionRange, Within, version_key

PARTS = st.lists(st.integers(0, 999), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("1.9", "1.10"),
        ("V5.4.4", "V5.4.5 build 170123"),
        ("1.0.4", "1.0.4a"),
        ("Ver.1.02", "1.3"),
        ("1.2 Build 3", "1.2 build 20"),
    ],
)
def test_versions_are_compared_by_number(lower: str, higher: str) -> None:
    """Not as text."""
    a, b = version_key(lower), version_key(higher)
    assert a is not None
    assert b is not None
    assert a < b


@pytest.mark.parametrize("text", ["", "unknown", "R1-beta/2", "2024-05-01", "1..2", "１.２x９"])
def test_what_follows_no_scheme_has_no_order(text: str) -> None:
    """Better no verdict than a wrong one."""
    assert version_key(text) is None


@given(PARTS)
def test_trailing_zeros_do_not_matter(parts: list[int]) -> None:
    """1.2 and 1.2.0 are one version."""
    text = ".".join(map(str, parts))
    assert version_key(text) == version_key(text + ".0")


@pytest.mark.parametrize(
    ("span", "version", "expected"),
    [
        (VersionRange(end="1.4"), "1.3.9", Within.YES),
        (VersionRange(end="1.4"), "1.4", Within.NO),
        (VersionRange(end="1.4", end_included=True), "1.4", Within.YES),
        (VersionRange(end="1.4", end_included=True), "1.4.1", Within.NO),
        (VersionRange(start="1.0", end="1.4"), "0.9", Within.NO),
        (VersionRange(start="1.0", start_included=False, end="1.4"), "1.0", Within.NO),
        (VersionRange(start="1.0"), "7", Within.YES),
        (VersionRange.exactly("2.0"), "2.0", Within.YES),
        (VersionRange.exactly("R-beta"), "R-beta", Within.YES),
        (VersionRange.exactly("R-beta"), "1.0", Within.UNKNOWN),
        (VersionRange(end="1.4"), "strange", Within.UNKNOWN),
        (VersionRange(end="1.4"), "", Within.UNKNOWN),
    ],
)
def test_ranges_at_their_bounds(span: VersionRange, version: str, expected: Within) -> None:
    """One below, on and one above each bound."""
    assert span.holds(version) is expected
