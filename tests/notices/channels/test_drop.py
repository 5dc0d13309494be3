"""The file drop: a folder appears whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from notices.messages import HOSTILE, message
from sekisho.notices.channels.drop import DropChannel
from sekisho.notices.delivery import Deferred, Refused, Sent


def test_a_notice_is_a_folder(tmp_path: Path) -> None:
    """All its forms, and what another program needs, in JSON."""
    given = message(pdf=b"%PDF")
    assert DropChannel(tmp_path).deliver(given) == Sent(receipt=given.id)
    files = {path.name: path.read_bytes() for path in (tmp_path / given.id).iterdir()}
    assert files["notice.txt"].decode() == given.text
    assert files["notice.html"].decode() == given.html
    assert files["notice.pdf"] == b"%PDF"
    told = json.loads(files["notice.json"])
    assert (told["schema"], told["to"], told["kind"]) == ("sekisho.notice/1", given.to, given.kind)


def test_a_notice_is_dropped_once(tmp_path: Path) -> None:
    """Again is no change; a half-written folder of a crash is replaced."""
    given = message()
    draft = tmp_path / f".{given.id}.part"
    draft.mkdir()
    (draft / "left.over").touch()
    channel = DropChannel(tmp_path)
    assert channel.deliver(given) == channel.deliver(message(text="other")) == Sent(receipt=given.id)
    assert sorted(path.name for path in tmp_path.iterdir()) == [given.id]
    assert (tmp_path / given.id / "notice.txt").read_text("utf-8") == given.text
    assert not (tmp_path / given.id / "left.over").exists()


def test_hostile_values_are_data(tmp_path: Path) -> None:
    """In JSON a string; as a number of the notice nothing that leads out of the folder."""
    channel = DropChannel(tmp_path)
    channel.deliver(message(to=HOSTILE, subject=HOSTILE))
    (file,) = tmp_path.glob("*/notice.json")
    assert json.loads(file.read_text("utf-8"))["to"] == HOSTILE
    for number in ("../up", "/etc/x", ".hidden", "", "a b", "x" * 101):
        assert isinstance(channel.deliver(message(id=number)), Refused)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_for_later(tmp_path: Path) -> None:
    """Nothing is lost."""
    blocked = tmp_path / "drop"
    blocked.touch()
    assert isinstance(DropChannel(blocked).deliver(message()), Deferred)
