"""Which files took the place of which: a record is in the store exactly once at every instant.

A compaction writes files that have no name yet, then one commit, by one rename: from that instant its outputs count
and its inputs do not. Names are given and inputs removed afterwards, and a restart finishes what it finds undone.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.core.errors import InputError
from sekisho.store.layout import PART, Layout, sync_folder
from sekisho.store.parquet import FlowFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SCHEMA = "sekisho.store-commit/1"
_SUFFIX = ".json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One exchange of files.

    Attributes:
        inputs: stems of segments, and paths of Parquet files below the store's folder.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[FlowFile, ...]


def commit(layout: Layout, name: str, inputs: Sequence[str], outputs: Iterable[FlowFile]) -> Commit:
    """Let outputs take the place of inputs.

    Raises:
        OSError: the disk refuses; nothing has changed.
    """
    made = Commit(name=name, inputs=tuple(inputs), outputs=tuple(outputs))
    document = {"schema": SCHEMA, "inputs": made.inputs, "outputs": [file.to_json() for file in made.outputs]}
    part = layout.commits / f"{name}{_SUFFIX}{PART}"
    with part.open("w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    part.rename(layout.commits / f"{name}{_SUFFIX}")
    sync_folder(layout.commits)
    return made


def read_commits(layout: Layout) -> list[Commit]:
    """Every commit, the oldest first.

    Raises:
        InputError: one that is not ours, or of a later version.
    """
    if not layout.commits.is_dir():
        return []
    found = []
    for path in sorted(layout.commits.glob(f"*{_SUFFIX}")):
        try:
            found.append(_read(path))
        except FileNotFoundError:
            # Removed in the meantime: all that it named was gone before.
            continue
    return found


def remove_commit(layout: Layout, name: str) -> None:
    """Forget a commit of which no input and no output is left.

    Raises:
        OSError: the disk refuses.
    """
    (layout.commits / f"{name}{_SUFFIX}").unlink(missing_ok=True)


def consumed(commits: Iterable[Commit]) -> set[str]:
    """What other files have taken the place of."""
    return {name for one in commits for name in one.inputs}


def live_files(commits: Sequence[Commit]) -> list[FlowFile]:
    """The Parquet files that count."""
    gone = consumed(commits)
    return [file for one in commits for file in one.outputs if file.path not in gone]


def _read(path: Path) -> Commit:
    text = path.read_text(encoding="utf-8")
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise InputError(path, f"expected {SCHEMA}, found {document['schema']!r}")
        outputs = tuple(FlowFile(**file) for file in document["outputs"])
        return Commit(name=path.stem, inputs=tuple(document["inputs"]), outputs=outputs)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(path, f"expected a commit of a flow store, found: {error}") from error
