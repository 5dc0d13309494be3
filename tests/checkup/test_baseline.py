"""The baseline file: signed, chained, append-only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sekisho.checkup.baseline import Baselines
from sekisho.checkup.network import NetworkIdentity
from sekisho.checkup.snapshot import DeviceState, Snapshot
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

HERE = NetworkIdentity("00:00:5e:00:53:01", "192.0.2.0/24")


def snapshot(at_ms: int, *, mac: str = HERE.gateway_mac) -> Snapshot:
    devices = {"d": DeviceState(name="cam", lasting=True, services={"80": "aa"}, openings=("x",), users=("u",))}
    return Snapshot(at_ms=at_ms, gateway_mac=mac, prefix=HERE.prefix, resolvers=("192.0.2.1",), devices=devices)


@pytest.fixture
def baselines(tmp_path: Path) -> Baselines:
    found = Baselines(tmp_path)
    for at_ms in (1, 2, 3):
        found.accept(snapshot(at_ms))
    found.accept(snapshot(4, mac="00:00:5e:00:53:02"))
    return found


def test_the_last_accepted_state_of_this_network_counts(baselines: Baselines) -> None:
    """And comes back as it was written."""
    assert baselines.latest(HERE) == snapshot(3)
    assert baselines.latest(NetworkIdentity("other", HERE.prefix)) is None


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda rows: [*rows[:1], rows[1].replace('"cam"', '"can"'), *rows[2:]], 2),
        (lambda rows: rows[:1] + rows[2:], 2),
        (lambda rows: [rows[1], rows[0], *rows[2:]], 1),
        (lambda rows: rows[1:], 1),
        (lambda rows: [*rows, rows[0]], 5),
    ],
)
def test_an_altered_missing_moved_or_repeated_entry_is_seen(
    baselines: Baselines, tmp_path: Path, damage: object, line: int
) -> None:
    """The sentence names the line; nothing is appended to a broken chain."""
    path = tmp_path / "baseline.jsonl"
    rows = path.read_text().splitlines()
    assert callable(damage)
    path.write_text("\n".join(damage(rows)) + "\n")
    with pytest.raises(InputError, match=f"line {line}"):
        baselines.latest(HERE)
    with pytest.raises(InputError):
        baselines.accept(snapshot(9))


def test_another_key_signs_nothing_here(baselines: Baselines, tmp_path: Path) -> None:
    """A file copied from another computer does not verify."""
    (tmp_path / "baseline.key").write_bytes(bytes(range(32)))
    with pytest.raises(InputError, match="signature"):
        baselines.latest(HERE)


def test_key_and_file_are_the_owners_only(baselines: Baselines, tmp_path: Path) -> None:
    """Mode 0600."""
    assert baselines.latest(HERE)
    for name in ("baseline.key", "baseline.jsonl"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_a_crash_while_appending_loses_only_that_entry(baselines: Baselines, tmp_path: Path) -> None:
    """The torn line is not an entry; the chain before it holds."""
    path = tmp_path / "baseline.jsonl"
    whole = path.read_text()
    path.write_text(whole + json.dumps({"snapshot": {}})[:10])
    assert baselines.latest(HERE) == snapshot(3)
