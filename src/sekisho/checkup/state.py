"""Where a run keeps what must outlive it: consents, the attempt ledger, baselines, reports, data sets."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def default_state_directory() -> Path:
    """``$SEKISHO_CHECKUP_DIR``, else the system's place for a program's state."""
    if value := os.environ.get("SEKISHO_CHECKUP_DIR"):
        return Path(value)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "sekisho" / "checkup"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "sekisho" / "checkup"


def write_json(path: Path, value: Any) -> None:
    """Replace a file as a whole, so that a crash leaves the old or the new one, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{os.getpid()}.part")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def append_line(path: Path, value: Any) -> None:
    """Append one JSON line and wait until it is on disk: what follows may only happen after it is recorded."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    line = json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_lines(path: Path) -> list[Any]:
    """Every complete JSON line; the torn last line of a crash is left out."""
    if not path.exists():
        return []
    whole = path.read_text("utf-8").split("\n")[:-1]
    return [json.loads(line) for line in whole]
