"""What installation compiles ahead."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import sekisho
from sekisho.pipeline.warm import MODULES

SOURCES = Path(sekisho.__file__).parent


def rows(module: str) -> set[tuple[int, str]]:
    """Each kernel of a module's table with its signature; a kernel stands for itself by its identity."""
    table: Any = import_module(module).KERNELS
    return {(id(kernel), str(signature)) for kernel, signature in table}


def test_installation_compiles_every_kernel():
    """Nobody waits for a kernel that was forgotten, at the first start or in the middle of the night."""
    files = [path for path in SOURCES.rglob("*.py") if "\nKERNELS" in path.read_text(encoding="utf-8")]
    modules = [".".join(("sekisho", *path.relative_to(SOURCES).with_suffix("").parts)) for path in files]
    assert len(modules) > len(MODULES)
    ahead = {row for module in MODULES for row in rows(module)}
    assert [module for module in sorted(modules) if not rows(module) <= ahead] == []
