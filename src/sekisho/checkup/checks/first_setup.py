"""c1.3: pages that show the state of a first set-up: the default password is still there, or none is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.checks.pages import PageKind, classify, pages
from sekisho.checkup.outcomes import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """Nothing more than c1.1 asks."""
    return ()


def fold(device: Device, seen: Seen, _: Situation) -> Iterator[Observation]:
    """One finding per page, with the rule that matched."""
    for where, answer in pages(device, seen):
        kind, rule = classify(answer)
        if kind is PageKind.FIRST_SETUP:
            yield Observation("c1.3.first_setup", {"place": where, "rule": rule}, "http")
