"""Which optional part of this package a missing module belongs to, as the package's own metadata lists them."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+).*;.*\bextra == ['\"](?P<extra>[\w-]+)['\"]")

_DISTRIBUTIONS = {"argon2": "argon2-cffi", "dkim": "dkimpy", "dns": "dnspython"}
"""Module -> distribution, where more than dashes and underscores differ; a test holds that for every extra."""


def extras_of(module: str | None) -> tuple[str, ...]:
    """The extras that bring a module, by name; empty where none does."""
    try:
        rows = [_REQUIREMENT.match(row) for row in requires("sekisho") or ()]
    except PackageNotFoundError:
        return ()
    name = (module or "").partition(".")[0]
    wanted = _bare(_DISTRIBUTIONS.get(name, name))
    return tuple(sorted({row["extra"] for row in rows if row and _bare(row["name"]) == wanted}))


def _bare(name: str) -> str:
    return re.sub(r"[-_.]", "", name).lower()
