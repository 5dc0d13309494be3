"""The kernels are compiled once."""

from __future__ import annotations

import numpy as np
import pytest

from sekisho.windows.limits import Limits
from sekisho.windows.table import Windows

SMALL = Limits(series=256, window_rows=4096, pair_rows=16_384, held_answers=4096, partition_entries=8)
"""Partitions that fill up between two ticks, so that flows are folded both ways."""


@pytest.fixture
def make_windows():
    """Started windows; timeouts of one exporter or of several."""

    def make(*, active_cap_ms=60_000, lateness_ms=90_000, limits=SMALL):
        windows = Windows(
            active_cap_ms=np.atleast_1d(active_cap_ms), lateness_ms=np.atleast_1d(lateness_ms), limits=limits
        )
        windows.start()
        return windows

    return make
