"""The small network that batch and live runs are judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sekisho.simulate.run import simulate
from sekisho.simulate.scenario import load

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenario ``quick``: its capture, files and truth."""
    folder = tmp_path_factory.mktemp("quick")
    simulate(load("quick"), folder, seed=3)
    return folder
