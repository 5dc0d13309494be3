"""One filled database for all tests; each gets a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from web.console.world import World, fill, world


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("console") / "template.db"
    fill(f"sqlite:///{file}")
    return file


@pytest.fixture
def console(template: Path, tmp_path: Path) -> World:
    return world(template, tmp_path)
