"""What holds for all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "[spark": "spark",
    "tests/query/test_engines_agree.py": "spark",
    "tests/checkup/test_daemons.py": "daemons",
    "tests/web/console/test_browser.py": "console in a browser",
    "tests/web/portal/test_browser.py": "portal in a browser",
    "tests/acceptance/test_story_walks.py": "walks in a browser",
}
"""Part of a test's name -> what it shares with others and takes long to start: those run in one process."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Every test by itself, whoever is free takes the next, except for those that share something."""
    from xdist.scheduler import LoadScopeScheduling

    class Sharing(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((shared for part, shared in TOGETHER.items() if part in nodeid), nodeid)

    return Sharing(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long proofs run when they are asked for: ``pytest -m prove``, as ``make prove`` does."""
    if config.option.markexpr:
        return
    proofs = [item for item in items if item.get_closest_marker("prove")]
    if proofs:
        config.hook.pytest_deselected(items=proofs)
        items[:] = [item for item in items if item not in proofs]
