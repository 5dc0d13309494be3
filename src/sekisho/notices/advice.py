"""The measures as a text gives them: in order, with their reasons, and the questions for the maker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.measures.model import Language, Measure, MeasureId, Reader, measures
from sekisho.measures.order import DeviceKind, device_names, likely_devices
from sekisho.notices.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

_NEEDS_SERVICE = "close_service"
"""The one action that says nothing unless the open service is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One measure in words."""

    title: str
    why: str
    actions: tuple[str, ...]


def advice(
    order: Iterable[MeasureId], language: Language, reader: Reader, *, service: str | None
) -> tuple[list[Advice], Advice]:
    """The five measures in an order, and what to ask the maker.

    Args:
        order: all six; where the maker stands in it makes no difference.
        language: of the words.
        reader: at which level.
        service: the open service that was abused, None where none is known.
    """
    five = [
        _advice(measures()[measure], language, reader, service) for measure in order if measure is not MeasureId.MAKER
    ]
    return five, _advice(measures()[MeasureId.MAKER], language, reader, None)


def devices(kind: str, language: Language) -> str:
    """The likely devices for a kind, in words."""
    return listed([device_names()[device].render(language) for device in likely_devices(kind)], language)


def is_mail_first(kind: str) -> bool:
    """Whether a PC or a mail account is likelier than a camera or a router."""
    return likely_devices(kind)[0] is DeviceKind.PC_OR_MAIL


def _advice(measure: Measure, language: Language, reader: Reader, service: str | None) -> Advice:
    wanted = [action for action in measure.actions if action.id != _NEEDS_SERVICE]
    texts = [action.text.render(language, reader) for action in wanted]
    if service is not None and len(wanted) < len(measure.actions):
        texts.insert(0, measure.action(_NEEDS_SERVICE).text.render(language, reader, service=service))
    return Advice(
        title=measure.title.render(language, reader), why=measure.why.render(language, reader), actions=tuple(texts)
    )
