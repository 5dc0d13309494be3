"""Every page and every act of the console, and what it takes: the one table that decides who gets in where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.cases.roles import Action
from sekisho.web.console import (
    accounts,
    acts,
    announcing,
    auditing,
    brakes,
    cases,
    delivery,
    desk,
    detectors,
    effects,
    events,
    finding,
    health,
    lines,
    noc,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from sekisho.web.console.asking import Ask


@dataclass(frozen=True, slots=True)
class Route:
    """One row.

    Attributes:
        action: what a person has to be allowed to; ``cases/roles.py`` says by which roles.
        answer: makes the page, or acts and leads to one.
    """

    method: str
    path: str
    action: Action
    answer: Callable[[Ask], Response]


CASE = "/cases/{number:int}"
EVENT = "/events/{number:int}"
NOTICE = "/notices/{number:int}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/noc", Action.WATCH, noc.page),
    Route("GET", "/noc/live", Action.WATCH, noc.live),
    Route("GET", "/desk", Action.WATCH, desk.page),
    Route("POST", "/desk/propose", Action.ESCALATE, desk.propose),
    Route("GET", "/find", Action.LOOK, finding.page),
    Route("GET", CASE, Action.LOOK, cases.page),
    Route("GET", CASE + "/notice", Action.LOOK, cases.preview),
    Route("GET", CASE + "/traffic", Action.WATCH, cases.page),
    Route("POST", CASE + "/traffic", Action.WHO, cases.traffic),
    Route("POST", CASE + "/reveal", Action.REVEAL, acts.reveal),
    Route("POST", CASE + "/contact", Action.CONTACT, acts.contact),
    Route("POST", CASE + "/dismiss", Action.DISMISS, acts.dismiss),
    Route("POST", CASE + "/escalate", Action.ESCALATE, acts.escalate),
    Route("POST", CASE + "/withdraw", Action.WITHDRAW, acts.withdraw),
    Route("POST", CASE + "/line-ended", Action.WITHDRAW, acts.line_ended),
    Route("POST", CASE + "/answer", Action.ANSWER, acts.answer),
    Route("POST", CASE + "/measure", Action.MEASURE, acts.measure),
    Route("POST", CASE + "/code", Action.REISSUE, acts.reissue),
    Route("POST", CASE + "/hold", Action.HOLD, acts.hold),
    Route("POST", CASE + "/export", Action.EXPORT, acts.export),
    Route("POST", NOTICE + "/approve", Action.APPROVE, acts.approve),
    Route("POST", NOTICE + "/refuse", Action.REFUSE, acts.refuse),
    Route("GET", EVENT, Action.WATCH, events.page),
    Route("POST", EVENT + "/approve", Action.APPROVE, events.approve_all),
    Route("POST", EVENT + "/filter", Action.PROPOSE_FILTER, events.filter_text),
    Route("GET", "/brake", Action.WATCH, brakes.page),
    Route("POST", "/brake/engage", Action.BRAKE, brakes.engage),
    Route("POST", "/brake/release", Action.RELEASE, brakes.release),
    Route("GET", "/announcement", Action.ANNOUNCE, announcing.page),
    Route("GET", "/announcement/preview", Action.ANNOUNCE, announcing.preview),
    Route("POST", "/announcement/approve", Action.ANNOUNCE, announcing.approve),
    Route("GET", "/announcements/{number:int}", Action.ANNOUNCE, announcing.released),
    Route("GET", "/announcements/{number:int}/text", Action.ANNOUNCE, announcing.released_text),
    Route("GET", "/lines", Action.WHO, lines.page),
    Route("POST", "/lines", Action.WHO, lines.who),
    Route("GET", "/delivery", Action.WATCH, delivery.page),
    Route("GET", "/detectors", Action.WATCH, detectors.page),
    Route("GET", "/effect", Action.WATCH, effects.page),
    Route("GET", "/audit", Action.AUDIT, auditing.page),
    Route("GET", "/audit/verify", Action.AUDIT, auditing.verify),
    Route("GET", "/health", Action.WATCH, health.page),
    Route("GET", "/accounts", Action.ACCOUNTS, accounts.page),
)
