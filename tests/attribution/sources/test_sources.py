"""The table of sources: every row has its module and its test."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from sekisho.attribution.sources import SOURCES

TESTS = Path(__file__).parent


@pytest.mark.parametrize("module", SOURCES.values())
def test_every_source_has_module_and_test(module):
    """A row without either is no source."""
    import_module(f"sekisho.attribution.sources.{module}")
    imported = f"sekisho.attribution.sources.{module}"
    assert any(imported in path.read_text() for path in TESTS.rglob("test_*.py")), module
