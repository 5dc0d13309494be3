"""Engines as parameters of a test."""

from __future__ import annotations

import pytest

spark = (pytest.mark.tool("java"),)
"""Marks of whatever asks Spark."""

PARAMS = {"duckdb": pytest.param("duckdb"), "spark": pytest.param("spark", marks=spark)}
"""Every row of ``ENGINES``."""
