"""Engines as parameters of a test."""

from __future__ import annotations

import pytest

spark = (pytest.mark.tool("java"), pytest.mark.xdist_group("spark"))
"""Marks of whatever asks Spark: all of it in one process, since each would start a Spark of its own."""

PARAMS = {"duckdb": pytest.param("duckdb"), "spark": pytest.param("spark", marks=spark)}
"""Every row of ``ENGINES``."""
