"""What programs may do: what the console's forms do, each safe to repeat under an ``Idempotency-Key``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.cases import answers, audit, decisions, outbox
from sekisho.cases.database import writing
from sekisho.cases.read import get_case
from sekisho.cases.reveal import reveal as revealed
from sekisho.core.errors import InputError, Refused
from sekisho.core.purposes import purpose_of
from sekisho.pipeline.who import answered, question_of, summary
from sekisho.web.api.asking import Asking  # noqa: TC001 (FastAPI reads these at run time)
from sekisho.web.api.models import (  # noqa: TC001
    Answered,
    Approval,
    Dismissal,
    Measured,
    Number,
    Question,
    Reasoned,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act
    from sekisho.web.api.asking import Caller


def dismiss(caller: Asking, number: Number, given: Dismissal) -> dict[str, Any]:
    """Close a case that is none."""
    return _about(caller, number, given.purpose, lambda c, act: answers.dismiss(c, number, given.what, act))


def escalate(caller: Asking, number: Number, given: Reasoned) -> dict[str, Any]:
    """Ask for more than notices."""
    return _about(caller, number, given.purpose, lambda c, act: decisions.escalate(c, number, act, given.reason))


def line_ended(caller: Asking, number: Number, given: Reasoned) -> dict[str, Any]:
    """The contract of the line ended."""
    return _about(caller, number, given.purpose, lambda c, act: decisions.end_line(c, number, act, given.reason))


def answer(caller: Asking, number: Number, given: Answered) -> dict[str, Any]:
    """Record what a subscriber answered."""
    return _about(
        caller, number, given.purpose, lambda c, act: answers.answer(c, number, given.kind, act, note=given.note)
    )


def measure(caller: Asking, number: Number, given: Measured) -> dict[str, Any]:
    """Record how far one measure is."""
    return _about(
        caller,
        number,
        given.purpose,
        lambda c, act: decisions.note_measure(c, number, given.measure, given.state, act),
    )


def reveal(caller: Asking, number: Number, given: Approval) -> dict[str, Any]:
    """Where the traffic of an open case went, truncated; that it was shown is on record each time."""
    with writing(caller.console.url) as connection:
        return {"destinations": revealed(connection, number, caller.act(given.purpose))}


def approve(caller: Asking, number: Number, given: Approval) -> dict[str, Any]:
    """Let a notice leave, after whose line it was has been asked anew."""
    resolve = caller.console.resolve()

    def do(connection: Connection) -> dict[str, Any]:
        act = caller.act(given.purpose)
        state = outbox.approve(connection, number, act, caller.console.policy, resolve)
        return {"notice": number, "state": state}

    return caller.once(do)


def refuse(caller: Asking, number: Number, given: Reasoned) -> dict[str, Any]:
    """Decide that a notice does not leave."""

    def do(connection: Connection) -> dict[str, Any]:
        outbox.refuse(connection, number, caller.act(given.purpose), given.reason)
        return {"notice": number, "state": outbox.get(connection, number).state}

    return caller.once(do)


def who(caller: Asking, given: Question) -> dict[str, Any]:
    """Which line held an address, and what the answer rests on; on record before it is answered."""
    purpose = purpose_of(given.purpose, caller.console.policy.purposes)
    try:
        question = question_of(
            given.address,
            port=given.port,
            protocol=given.protocol,
            realm=given.realm,
            at=given.at,
            now_ms=caller.now_ms,
        )
    except (InputError, OverflowError) as error:
        raise Refused(
            str(error), f"アドレス、ポート、プロトコル、時刻のいずれかが正しくありません（{error}）"
        ) from error
    found = answered(caller.console.config, question, purpose)
    with writing(caller.console.url) as connection:
        audit.append(connection, "lines_who", caller.act(given.purpose), details=summary(found))
    return found


def _about(caller: Caller, number: int, purpose: str, do: Callable[[Connection, Act], None]) -> dict[str, Any]:
    """Do it once, and tell how the case stands."""

    def whole(connection: Connection) -> dict[str, Any]:
        get_case(connection, number)
        do(connection, caller.act(purpose))
        return {"case": number, "state": get_case(connection, number).state}

    return caller.once(whole)
