"""How much memory Spark gets for what comes back to the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sekisho.query.spark import driver_memory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    monkeypatch.delenv("SPARK_DRIVER_MEMORY", raising=False)


@pytest.mark.parametrize(("gib", "expected"), [(2, "1024m"), (4, "1024m"), (16, "4096m")])
def test_a_quarter_of_the_machine_and_no_less_than_sparks_default(
    monkeypatch: pytest.MonkeyPatch, gib: int, expected: str
):
    """As of the machine that the command runs on."""
    monkeypatch.setattr("os.sysconf", {"SC_PHYS_PAGES": gib << 18, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert driver_memory() == {"spark.driver.memory": expected}


def test_what_the_operator_says_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """In Spark's own file or its own variable."""
    (tmp_path / "spark-defaults.conf").write_text("spark.driver.memory 2g\n")
    assert driver_memory() == {}
    (tmp_path / "spark-defaults.conf").write_text("spark.executor.memory 2g\n")
    assert driver_memory()
    monkeypatch.setenv("SPARK_DRIVER_MEMORY", "2g")
    assert driver_memory() == {}
