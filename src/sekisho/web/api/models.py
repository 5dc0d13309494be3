"""What goes in and comes out, as OpenAPI tells it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sekisho.cases.states import AnswerKind, Disposition  # noqa: TC001 (pydantic reads them at run time)
from sekisho.measures.model import MeasureId, MeasureState  # noqa: TC001 (the same)

MAX_NUMBER = (1 << 31) - 1
"""PostgreSQL's integer."""

Number = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
Sentence = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*\S[^\x00]*$")]
Code = Annotated[str, Field(min_length=1, max_length=60)]
OWN = "own_network_protection"


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    purpose: Code = OWN
    """Code of a purpose of the policy."""


class Dismissal(_In):
    """Close a case that is none."""

    what: Disposition
    """What it was instead."""


class Reasoned(_In):
    """An act that needs a reason."""

    reason: Sentence
    """Why, in a sentence; it stays in the history."""


class Answered(_In):
    """What a subscriber answered."""

    kind: AnswerKind
    """What came back."""
    note: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] | None = None
    """In a sentence, without personal data."""


class Measured(_In):
    """How far one measure is."""

    measure: MeasureId
    """Which."""
    state: MeasureState
    """How far."""


class Approval(_In):
    """Let a notice leave."""


class Question(BaseModel):
    """Which line held an address; the purpose is not a default here."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    purpose: Code
    """Code of a purpose of the policy."""
    address: Annotated[str, Field(max_length=64)]
    """IPv4 or IPv6."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """0 = not known."""
    protocol: Annotated[str, Field(max_length=8)] = "tcp"
    """Name, or IANA number."""
    realm: Annotated[str, Field(max_length=100)] = ""
    """Address realm."""
    at: Annotated[str, Field(max_length=40)] | None = None
    """ISO 8601 with its zone; without it, now."""


class Problem(BaseModel):
    """RFC 9457."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str


class Page(BaseModel):
    """One page of a list.

    Attributes:
        total: of the whole list.
        next_offset: where the next page begins; None on the last.
    """

    items: list[dict[str, Any]]
    total: int
    next_offset: int | None
