"""The menu: what a person's roles open, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.cases.roles import ROLES, Action

if TYPE_CHECKING:
    from sekisho.cases.roles import Role

ENTRIES = (
    ("/noc", "menu_noc", Action.WATCH),
    ("/desk", "menu_desk", Action.WATCH),
    ("/find", "menu_find", Action.LOOK),
    ("/brake", "menu_brake", Action.WATCH),
    ("/announcement", "menu_announcement", Action.ANNOUNCE),
    ("/lines", "menu_lines", Action.WHO),
    ("/delivery", "menu_delivery", Action.WATCH),
    ("/detectors", "menu_detectors", Action.WATCH),
    ("/effect", "menu_effect", Action.WATCH),
    ("/audit", "menu_audit", Action.AUDIT),
    ("/health", "menu_health", Action.WATCH),
    ("/accounts", "menu_accounts", Action.ACCOUNTS),
)
"""Path, text, what it takes; in the order of the menu."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the menu."""

    path: str
    text: str
    is_here: bool


def menu(roles: frozenset[Role], path: str) -> list[Entry]:
    """What these roles open."""
    return [
        Entry(path=to, text=text, is_here=path == to or path.startswith(f"{to}/"))
        for to, text, action in ENTRIES
        if roles & ROLES[action]
    ]


def home(roles: frozenset[Role]) -> str:
    """The first page of a person: the NOC for those who may, the search for support."""
    return next(to for to, _, action in ENTRIES if roles & ROLES[action])
