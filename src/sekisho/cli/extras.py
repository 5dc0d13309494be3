"""Which optional part of this package a missing module belongs to, as the package's own metadata lists them."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+).*;.*\bextra == ['\"](?P<extra>[\w-]+)['\"]")


def extra_of(module: str | None) -> str | None:
    """The extra that brings a module, None where no extra does.

    Distributions and their modules differ in dashes and underscores only; a test holds that for every extra.
    """
    try:
        rows = [_REQUIREMENT.match(row) for row in requires("sekisho") or ()]
    except PackageNotFoundError:
        return None
    wanted = _bare((module or "").partition(".")[0])
    return next((row["extra"] for row in rows if row and _bare(row["name"]) == wanted), None)


def _bare(name: str) -> str:
    return re.sub(r"[-_.]", "", name).lower()
