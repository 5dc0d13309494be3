"""Numbers of notices as names of files."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_file_name(number: str) -> bool:
    """Whether a file can be named by it: no way up, no hidden file, nothing that a shell reads."""
    return _NAME.fullmatch(number) is not None
