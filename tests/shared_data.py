"""Independent samples, read in place; they are never part of this repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "shared" / "data"


def shared(relative: str) -> Path:
    """Path of a sample; the test skips where the samples are not there, and fails in CI if only this one is missing."""
    path = ROOT / relative
    if path.exists():
        return path
    reason = f"independent sample {relative} is not here (../shared/data)"
    if os.environ.get("CI") == "true" and ROOT.exists():
        pytest.fail(reason)
    pytest.skip(reason)
