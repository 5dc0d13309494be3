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
    """The scenario ``quick``: its capture, files and truth; ``files.toml`` names the files too, as ``serve`` needs."""
    folder = tmp_path_factory.mktemp("quick")
    simulate(load("quick"), folder, seed=3)
    written = (folder / "sekisho.toml").read_text(encoding="utf-8")
    files = '[files]\nlines = ["assignments.csv", "lines.csv"]\nmap_e = ["map-e.toml"]\n'
    (folder / "files.toml").write_text(written + files, encoding="utf-8")
    return folder
