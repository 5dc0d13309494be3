"""Limits may be tightened and never loosened."""

from __future__ import annotations

import pytest

from sekisho.checkup.limits import NEVER_WRITE_PORTS, Limits
from sekisho.core.errors import Refused


def test_limits_can_be_tightened() -> None:
    """Fewer connections, longer gaps."""
    limits = Limits().tightened(connections_per_s=5, attempt_gap_s=60)
    assert (limits.connections_per_s, limits.attempt_gap_s) == (5, 60)


@pytest.mark.parametrize(
    "change",
    [
        {"connections_per_s": 21},
        {"connections_per_device_per_s": 3},
        {"attempt_gap_s": 29},
        {"attempts_per_device": 4},
        {"failures_per_account": 3},
        {"answer_octets": 1 << 20},
        {"connections_per_s": 0},
        {"nonsense": 1},
    ],
)
def test_limits_cannot_be_loosened(change: dict[str, float]) -> None:
    """The rules' numbers are upper bounds whatever a configuration says."""
    with pytest.raises(Refused):
        Limits().tightened(**change)


def test_printer_ports_are_the_rules_ports() -> None:
    """9100 to 9107, both included."""
    assert list(NEVER_WRITE_PORTS) == list(range(9100, 9108))
