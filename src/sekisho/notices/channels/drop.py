"""A folder of files for each notice, which appears whole or not at all, for another program to take."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from sekisho.core.whole_file import write_whole
from sekisho.notices.channels.identity import is_file_name
from sekisho.notices.channels.payload import payload
from sekisho.notices.delivery import Deferred, Refused, Sent

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.notices.delivery import Message, Outcome


class DropChannel:
    """Notices as folders ``ID/`` with ``notice.json``, ``.txt``, ``.html`` and, for letters, ``.pdf``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def deliver(self, message: Message) -> Outcome:
        """Put the folder down; one that is there already is the same notice."""
        if not is_file_name(message.id):
            return Refused(why="the number of the notice cannot name a folder")
        place, draft = self._directory / message.id, self._directory / f".{message.id}.part"
        if place.exists():
            return Sent(receipt=message.id)
        try:
            # What a crash left half written.
            shutil.rmtree(draft, ignore_errors=True)
            for name, content in _files(message).items():
                write_whole(draft / name, content)
            draft.rename(place)
        except OSError as error:
            return Deferred(why=f"the folder for notices cannot be written: {error.strerror}")
        return Sent(receipt=message.id)


def _files(message: Message) -> dict[str, bytes]:
    files = {
        "notice.json": json.dumps(payload(message), ensure_ascii=False, indent=1).encode(),
        "notice.txt": message.text.encode(),
        "notice.html": message.html.encode(),
    }
    return files if message.pdf is None else {**files, "notice.pdf": message.pdf}
