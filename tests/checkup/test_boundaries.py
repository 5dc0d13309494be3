"""The check-up installs by itself: it imports core and measures only, and nothing of the ISP side's engines."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sekisho.checkup
import sekisho.measures

SOURCES = [p for package in (sekisho.checkup, sekisho.measures) for p in Path(package.__path__[0]).rglob("*.py")]
ALLOWED = ("sekisho.checkup", "sekisho.measures", "sekisho.core")
ENGINES = {"numba", "numpy", "duckdb", "pyarrow", "matplotlib", "sqlglot"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(p.parents[1])))
def test_a_module_imports_only_what_stands_above_it(path: Path) -> None:
    """Core and measures, never the ISP side; never an engine, and not through core's kernels."""
    for name in imported(path):
        assert name.partition(".")[0] not in ENGINES
        if name.startswith("sekisho."):
            assert name.startswith(ALLOWED)
            assert name != "sekisho.core.kernels"


def test_a_command_loads_no_engine() -> None:
    """Proved in a process of its own: after a dry run none of them is loaded, nor by the list of all commands."""
    code = (
        "import sys\nfrom sekisho.cli.checkup import app\n"
        "try: app(['run', '--dry-run'])\nexcept SystemExit: pass\n"
        "import sekisho.checkup.session, sekisho.checkup.checks.services, sekisho.cli.main\n"
        f"print(sorted({ENGINES!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
