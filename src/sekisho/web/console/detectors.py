"""Every detector: what it looks for, its thresholds as they are configured here, and what it found of late."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sekisho.cases.tables import DETECTION
from sekisho.detect.detector import GROUPS
from sekisho.detect.registry import DETECTORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from sekisho.core.config import Config
    from sekisho.detect.detector import Detector
    from sekisho.web.console.asking import Ask

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One detector.

    Attributes:
        about: what it looks for and what looks alike, from its own file.
        thresholds: (name, unit, why, number by group, whether it is not the shipped one).
        is_on: whether this configuration gives it what it needs.
        found: episodes that entered cases within a day, and the newest of them.
    """

    name: str
    about: str
    thresholds: tuple[tuple[str, str, str, tuple[str, ...], bool], ...]
    is_on: bool
    acts: bool
    found: int
    newest_ms: int | None


def page(ask: Ask) -> Response:
    """All of them, in the order of the reference."""
    lately = (
        select(DETECTION.c.kind, func.count(), func.max(DETECTION.c.last_seen))
        .where(DETECTION.c.last_seen > ask.now_ms - DAY_MS)
        .group_by(DETECTION.c.kind)
    )
    with ask.reading() as connection:
        found = {row[0]: (row[1], row[2]) for row in connection.execute(lately)}
    shown = [_shown(detector, ask.console.config, found) for detector in DETECTORS]
    response: Response = ask.page("detectors.html", shown=shown, groups=GROUPS, kinds_off=ask.console.policy.kinds_off)
    return response


def _shown(detector: Detector, config: Config, found: Mapping[str, tuple[int, int]]) -> Shown:
    here = detector.with_overrides(config.detect.overrides.get(detector.name, {}))
    rows = [found[kind] for kind in detector.kinds if kind in found]
    given = {"indicators": bool(config.detect.indicators), "baseline": config.detect.baseline is not None}
    return Shown(
        name=detector.name,
        about=(sys.modules[detector.explain.__module__].__doc__ or "").strip(),
        thresholds=tuple(
            (
                field.name,
                field.metadata["unit"],
                field.metadata["why"],
                tuple(f"{getattr(here.params[group], field.name):g}" for group in GROUPS),
                any(
                    getattr(here.params[group], field.name) != getattr(detector.params[group], field.name)
                    for group in GROUPS
                ),
            )
            for field in fields(detector.params["home"])
        ),
        is_on=all(given.get(name, True) for name in detector.inputs),
        acts=detector.acts,
        found=sum(row[0] for row in rows),
        newest_ms=max((row[1] for row in rows), default=None),
    )
