"""Hot loops: declared without side effect, compiled by ``warm()`` over literal signatures.

``@kernel`` gives a numba dispatcher that has compiled nothing. A module lists what is to be compiled in a literal
``KERNELS`` table; ``warm()`` compiles that once, into a cache directory if one is writable. A kernel calls kernels of
its own folder only, and takes constants from there, ``schema/`` and ``CONSTANTS`` of ``core/``: the cache is keyed by a
digest of these, because numba itself notices only changes of the kernel's own file.

An index is never below 0: what counts from an array's end elsewhere is a wrong place here (decision 20).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
from llvmlite import ir
from numba import types
from numba.core import config as numba_config
from numba.core.compiler_lock import global_compiler_lock
from numba.np import arrayobj

from sekisho.core.log import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CONSTANTS = ("kernels", "address", "reasons")
"""Modules of ``core/`` whose change makes cached machine code stale."""

CACHES_KEPT = 4
"""Digest directories kept side by side for each folder; older ones are removed."""

Signature = tuple[Any, ...]
KernelTable = tuple[tuple[Any, Signature], ...]

_njit: Any = numba.njit
"""numba's types leave the ``_nrt`` option out."""

kernel: Callable[[Callable[..., Any]], Any] = _njit(nogil=True, error_model="numpy")
"""Decorator for a kernel that ``warm()`` compiles; it may be called by other kernels (compiled with them)."""

borrowing_kernel: Callable[[Callable[..., Any]], Any] = _njit(nogil=True, error_model="numpy", _nrt=False)
"""The same for a kernel that makes no array, and so needs no reference counts; it calls kernels of its kind only."""

inlined_kernel: Callable[[Callable[..., Any]], Any] = _njit(
    nogil=True, error_model="numpy", _nrt=False, forceinline=True
)
"""A borrowing kernel that becomes part of its callers. An array is seven words: where small kernels call each other
for every record, counting and handing on the arrays costs more than their work."""


def warm(tables: Iterable[KernelTable], *, cache_directory: Path | None = None) -> None:
    """Compile every kernel of the tables; a kernel that is warm already is left alone.

    Args:
        tables: literal ``KERNELS`` tables: (dispatcher, argument types) rows.
        cache_directory: where machine code is kept; by default the user's cache directory. Where nothing is
            writable the kernels are compiled uncached, with one warning.
    """
    rows = [(dispatcher, signature) for table in tables for dispatcher, signature in table]
    cold = [(dispatcher, signature) for dispatcher, signature in rows if not dispatcher.signatures]
    if not cold:
        return
    parent = _usable(cache_directory or default_cache_directory())
    if parent is not None:
        # All before the first is compiled: a kernel that is compiled with its caller is kept at that moment or never.
        for dispatcher, _ in cold:
            vars(numba_config)["CACHE_DIR"] = str(_directory_of(dispatcher, parent))
            dispatcher.enable_caching()
    with _indices_as_they_are():
        for dispatcher, signature in cold:
            dispatcher.compile(signature)
            dispatcher.disable_compile()


@contextmanager
def _indices_as_they_are() -> Iterator[None]:
    """Machine code made in here does not ask at every access whether the index counts from the end.

    numba has no option for it. Nobody else compiles meanwhile; a constant is left to numba.
    """
    counted: Any = arrayobj.fix_integer_index

    def as_it_is(context: Any, builder: Any, index_type: Any, index: Any, size: Any) -> Any:
        if isinstance(index, ir.Constant):
            return counted(context, builder, index_type, index, size)
        return context.cast(builder, index, index_type, types.intp)

    with global_compiler_lock:
        arrayobj.fix_integer_index = as_it_is
        try:
            yield
        finally:
            arrayobj.fix_integer_index = counted


def default_cache_directory() -> Path:
    """``$SEKISHO_CACHE_DIR``, else ``$CACHE_DIRECTORY`` (systemd), else the XDG cache directory."""
    for name in ("SEKISHO_CACHE_DIR", "CACHE_DIRECTORY"):
        if value := os.environ.get(name):
            return Path(value)
    base = os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME", "/")) / ".cache"
    return Path(base) / "sekisho"


@cache
def _usable(cache_directory: Path) -> Path | None:
    parent = cache_directory / "kernels"
    probe = parent / f".probe-{os.getpid()}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        logger().warning(
            "kernels are compiled without a cache, each start takes some seconds longer",
            directory=str(cache_directory),
            why=error.strerror,
        )
        return None
    return parent


def _directory_of(dispatcher: Any, parent: Path) -> Path:
    folder = Path(dispatcher.py_func.__code__.co_filename).parent
    directory = parent / f"{folder.name}-{_source_digest(folder)}"
    if not directory.exists():
        directory.mkdir(exist_ok=True)
        if sys.stderr.isatty():
            logger().info("compiling kernels, once for this version; up to a minute", folder=folder.name)
        _prune(parent, folder.name, keep=directory)
    return directory


@cache
def _source_digest(folder: Path) -> str:
    digest = hashlib.blake2b(numba.__version__.encode(), digest_size=8)
    package = Path(__file__).parents[1]
    constants = (package / "core" / f"{name}.py" for name in CONSTANTS)
    for source in (*sorted(folder.glob("*.py")), *sorted((package / "schema").glob("*.py")), *constants):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _prune(parent: Path, folder: str, *, keep: Path) -> None:
    others = sorted((d for d in parent.glob(f"{folder}-*") if d != keep), key=lambda d: d.stat().st_mtime, reverse=True)
    for old in others[CACHES_KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
