"""Which line held an address, as a question of a person and a document: for the command line, the console, the API.

Whoever asks records it before the answer is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.attribution.history.who import Question, explain
from sekisho.attribution.outcome import Attributed
from sekisho.attribution.validity import OPEN_FROM_MS, OPEN_TO_MS
from sekisho.core.address import parse_address
from sekisho.core.errors import InputError
from sekisho.core.time import iso, parse_time
from sekisho.pipeline.batch import attribution_of

if TYPE_CHECKING:
    from sekisho.attribution.history.spans import Span
    from sekisho.attribution.history.who import Explained
    from sekisho.attribution.sources.events import Held
    from sekisho.core.config import Config
    from sekisho.core.purposes import Purpose
    from sekisho.pipeline.batch import Advance

PROTOCOLS = {"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132, "icmp": 1, "gre": 47, "esp": 50}


def question_of(address: str, *, port: int, protocol: str, realm: str, at: str | None, now_ms: int) -> Question:
    """What a person asked, in their words.

    Raises:
        InputError: no address, no protocol, or a time without its zone.
    """
    try:
        parsed = parse_address(address)
    except ValueError:
        raise InputError("ADDRESS", f"expected an IP address, found {address!r}") from None
    is_number = protocol.isascii() and protocol.isdigit() and len(protocol) <= 3
    number = PROTOCOLS.get(protocol.lower(), int(protocol) if is_number else -1)
    if not 0 <= number <= 255:
        raise InputError("--protocol", f"expected {', '.join(PROTOCOLS)} or a number to 255, found {protocol!r}")
    try:
        at_ms = now_ms if at is None else parse_time(at)
    except ValueError as error:
        raise InputError("--at", f"expected {error}") from None
    return Question(address=parsed, port=port, protocol=number, realm=realm, at_ms=at_ms)


def answered(
    config: Config, question: Question, purpose: Purpose, *, on_progress: Advance = lambda *_: None
) -> dict[str, Any]:
    """The answer of every source that the configuration names, as JSON values.

    Raises:
        InputError: a source cannot be used.
    """
    with attribution_of(config, on_progress=on_progress) as (attributor, history):
        attributor.start()
        settle_ms = round(config.attribution.settle_s * 1000)
        found = explain(question, attributor=attributor, history=history, settle_ms=settle_ms)
    return document(found, purpose, margin_s=config.attribution.clock_margin_s)


def summary(answered: dict[str, Any]) -> dict[str, Any]:
    """What a record of the question holds: what was asked, and which line or why none."""
    answer = answered["answer"]
    return {"asked": answered["question"], "answered": answer.get("line_id") or answer["reason"]}


def document(found: Explained, purpose: Purpose, *, margin_s: float) -> dict[str, Any]:
    """Everything, as JSON values."""
    asked = found.question
    return {
        "question": {
            "address": str(asked.address),
            "port": asked.port,
            "protocol": asked.protocol,
            "realm": asked.realm,
            "at": iso(asked.at_ms),
        },
        "purpose": {"code": purpose.code, "ja": purpose.ja, "en": purpose.en},
        "answer": _answer(found),
        "settled": found.settled,
        "clock_margin_s": margin_s,
        "decided_by": [_hold(*one) for one in found.decided],
        "considered": [_hold(*one) for one in found.considered],
        "considered_left_out": found.left_out,
        "sources": [
            {"name": feed.name, "newest": iso(feed.watermark_ms), "median_delay_s": feed.delay_ms / 1000}
            for feed in found.feeds
        ],
    }


def _answer(found: Explained) -> dict[str, Any]:
    answer = found.answer
    if not isinstance(answer, Attributed):
        return {
            "reason": answer.reason.label,
            "explanation": answer.explanation,
            "candidate_lines": answer.candidate_lines,
        }
    assignment = answer.assignment
    return {
        "line_id": answer.line_id,
        "certainty": answer.certainty,
        "method": assignment.method,
        "prefix": str(assignment.prefix),
        "port_first": assignment.port_first,
        "port_last": assignment.port_last,
        "from": None if assignment.valid_from_ms is None else iso(assignment.valid_from_ms),
        "to": None if assignment.valid_to_ms is None else iso(assignment.valid_to_ms),
    }


def _hold(held: Held, span: Span) -> dict[str, Any]:
    return {
        "line_id": span.holder,
        "prefix": str(held.prefix),
        "port_first": held.port_first,
        "port_last": held.port_last,
        "from": None if span.from_ms == OPEN_FROM_MS else iso(span.from_ms),
        "to": None if span.to_ms == OPEN_TO_MS else iso(span.to_ms),
        "certainty": "inferred" if span.inferred else "certain",
        "source": span.source,
    }
