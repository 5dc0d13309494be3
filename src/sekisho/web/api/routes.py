"""Every route of the API, and the scope that it takes: the one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sekisho.cases.roles import Action
from sekisho.web.api import acting, reading

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Route:
    """One row.

    Attributes:
        action: scope of the token, and what its person has to be allowed to.
    """

    method: str
    path: str
    action: Action
    answer: Callable[..., Any]


ROUTES: tuple[Route, ...] = (
    Route("GET", "/cases", Action.WATCH, reading.cases),
    Route("GET", "/cases/{number}", Action.WATCH, reading.case),
    Route("POST", "/cases/{number}/dismiss", Action.DISMISS, acting.dismiss),
    Route("POST", "/cases/{number}/escalate", Action.ESCALATE, acting.escalate),
    Route("POST", "/cases/{number}/line-ended", Action.WITHDRAW, acting.line_ended),
    Route("POST", "/cases/{number}/answer", Action.ANSWER, acting.answer),
    Route("POST", "/cases/{number}/measure", Action.MEASURE, acting.measure),
    Route("POST", "/cases/{number}/reveal", Action.REVEAL, acting.reveal),
    Route("GET", "/events", Action.WATCH, reading.events),
    Route("GET", "/notices", Action.WATCH, reading.notices),
    Route("POST", "/notices/{number}/approve", Action.APPROVE, acting.approve),
    Route("POST", "/notices/{number}/refuse", Action.REFUSE, acting.refuse),
    Route("POST", "/lines/who", Action.WHO, acting.who),
    Route("GET", "/effect", Action.WATCH, reading.effect),
    Route("GET", "/audit", Action.AUDIT, reading.audit),
    Route("GET", "/audit/verify", Action.AUDIT, reading.audit_verdict),
    Route("GET", "/health", Action.WATCH, reading.health),
)
