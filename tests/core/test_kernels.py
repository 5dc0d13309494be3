"""Kernels compile when they are warmed, into a cache where one can be written, and not again."""

from __future__ import annotations

import ast
from pathlib import Path
from unittest.mock import Mock

import numba
import numpy as np
import pytest

from sekisho.core import kernels
from sekisho.core.kernels import kernel, warm

COLUMN = numba.int64[::1]


def make():
    @kernel
    def total(values):
        result = 0
        for value in values:
            result += value
        return result

    return total


@pytest.fixture(autouse=True)
def fresh_decisions():
    kernels._usable.cache_clear()
    yield
    kernels._usable.cache_clear()


def test_declaring_compiles_nothing():
    """An import costs no compilation."""
    assert make().signatures == []


def test_warming_compiles_into_the_directory(tmp_path: Path):
    """Machine code is kept below the given directory, in a folder that names the kernel's folder."""
    total = make()
    warm([((total, (COLUMN,)),)], cache_directory=tmp_path)
    assert total(np.arange(4)) == 6
    assert [path.name.split("-")[0] for path in (tmp_path / "kernels").iterdir()] == ["core"]


def test_a_kernel_that_another_calls_is_kept_as_well(tmp_path: Path):
    """Both have their place in the cache after one warming, whichever is compiled first."""
    total = make()

    @kernel
    def twice(values):
        return 2 * total(values)

    warm([((twice, (COLUMN,)), (total, (COLUMN,)))], cache_directory=tmp_path)
    assert twice(np.arange(4)) == 12
    kept = {path.name.split("-")[0].rsplit(".", 1)[-1] for path in tmp_path.rglob("*.nbi")}
    assert kept == {"twice", "total"}


def test_another_type_is_refused_and_not_compiled_behind_the_back(tmp_path: Path):
    """A wrong argument is a bug of ours, not a reason for a pause of seconds in the hot path."""
    total = make()
    warm([((total, (COLUMN,)),)], cache_directory=tmp_path)
    with pytest.raises(TypeError):
        total(np.arange(4.0))


def test_without_a_writable_directory_it_runs_uncached_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Two kernels, one warning that names the directory."""
    said = Mock()
    monkeypatch.setattr(kernels, "logger", lambda: said)
    blocked = tmp_path / "file"
    blocked.write_text("not a directory", encoding="utf-8")
    for total in (make(), make()):
        warm([((total, (COLUMN,)),)], cache_directory=blocked)
        assert total(np.arange(3)) == 3
    said.warning.assert_called_once()
    assert said.warning.call_args.kwargs["directory"] == str(blocked)


def test_an_index_does_not_count_from_the_end(tmp_path: Path):
    """Warmed code takes an index as it is: numba's question at every access is gone, and back for everybody else."""
    question = kernels.arrayobj.fix_integer_index

    @kernel
    def read(values, place):
        return values[place]

    @kernel
    def last(values):
        return values[-1]

    warm([((read, (COLUMN, numba.int64)), (last, (COLUMN,)))], cache_directory=tmp_path)
    behind = np.arange(4)[2:]
    assert read(behind, -1) == 1
    assert last(behind) == 3
    assert kernels.arrayobj.fix_integer_index is question
    assert numba.njit(lambda values, place: values[place])(behind, -1) == 3


def test_old_directories_are_removed(tmp_path: Path):
    """A few versions are kept side by side, the oldest leave."""
    for number in range(kernels.CACHES_KEPT + 3):
        (tmp_path / "kernels" / f"core-{number:016x}").mkdir(parents=True)
    warm([((make(), (COLUMN,)),)], cache_directory=tmp_path)
    assert len(list((tmp_path / "kernels").glob("core-*"))) == kernels.CACHES_KEPT


def test_kernels_take_constants_from_no_other_module_of_core():
    """What the digest does not cover must not be in machine code: no kernel uses a name from elsewhere in core/."""
    foreign = []
    for path in sorted(Path(kernels.__file__).parents[1].rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        covered = {f"sekisho.core.{name}" for name in kernels.CONSTANTS}
        names = {
            alias.asname or alias.name
            for node in imports
            if (node.module or "").startswith("sekisho.core") and node.module not in covered
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and {ast.unparse(d) for d in node.decorator_list} & {
                "kernel",
                "inlined",
            }:
                used = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
                foreign += [f"{path.name}: {node.name} uses {name}" for name in sorted(used & names)]
    assert foreign == []
