"""``sekisho.toml``, the part about the network's links: what they carry at most, and where their load is counted."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, Strict

from sekisho.core.config_fields import File, Rate, Section, Text


class LinkKind(StrEnum):
    """What a link leads to."""

    NTE = "nte"
    GWR = "gwr"
    BNG = "bng"
    CORE = "core"
    BORDER = "border"
    CGN = "cgn"


class Link(Section):
    """``[[link]]``: a place where traffic of many lines shares a capacity."""

    name: Text
    """As ``[[exporter.interface]]`` and the lines file name it."""
    kind: LinkKind
    """``nte`` termination at the handover, ``gwr`` gateway router, ``bng``, ``core``, ``border`` or ``cgn``."""
    capacity_bps: Rate | None = None
    """Bits a second that it carries in one direction."""
    capacity_pps: Rate | None = None
    """Packets a second that it carries in one direction."""
    capacity_sessions: Rate | None = None
    """Sessions that a ``cgn`` holds."""
    mark: Annotated[float, Strict(), Field(gt=0, le=1)] = 0.8
    """Share of its capacity; minutes above it are counted."""
    under: Text | None = None
    """The next link towards the core: what is said of this link's lines holds for that one, too."""


class Impact(Section):
    """``[impact]``: what the load of links is measured with, beside what exporters send by themselves."""

    counters: tuple[File, ...] = ()
    """Interface counters over time (CSV or Parquet): ifHCInOctets and the like."""
    conditions: tuple[File, ...] = ()
    """How links fared over time (CSV or Parquet): round-trip time, loss, sessions."""


def problem_of(links: tuple[Link, ...]) -> str:
    """What is wrong with the links together; "" where nothing is."""
    under = {link.name: link.under for link in links}
    if len(under) < len(links):
        return "each link once"
    for name, above in under.items():
        if above is not None and above not in under:
            return f"under = the name of a link, not {above!r}"
        if _is_under_itself(name, under):
            return f"links that lead to the core, not {name!r} under itself"
    return ""


def _is_under_itself(name: str, under: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    at: str | None = name
    while at is not None and at not in seen:
        seen.add(at)
        at = under.get(at)
    return at == name
