"""One known vulnerability of one product, as every reader gives it, and whether it concerns a device."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sekisho.checkup.data.version import VersionRange, Within
from sekisho.checkup.identify.match import maker_name

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORDS = re.compile(r"[^\s,;/()]+")
_NOT_ALNUM = re.compile(r"[^a-z0-9]+")
_MANY = re.compile(r"\b(?:multiple|various|several)\b", re.IGNORECASE)
_MODEL_LENGTH = 4
"""A shorter model name ("R7", "AC") stands in too many product names to mean anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """One vulnerability of one product.

    Attributes:
        exploited: attacks are known.
        ranges: affected versions; empty where the source names none (which is not "all").
    """

    cve: str
    maker: str
    product: str
    source: str
    exploited: bool = False
    ranges: tuple[VersionRange, ...] = ()


class Concern(Enum):
    """How an advisory concerns a device, strongest first."""

    EXPLOITED = "exploited"
    AFFECTED = "affected"
    LISTED = "listed"


def concern(advisory: Advisory, *, maker: str, model: str, firmware: str) -> Concern | None:
    """Whether and how an advisory concerns a device; ``firmware`` is "" where its version is not known."""
    if key(maker_name(advisory.maker)) != key(maker_name(maker)):
        return None
    if not names_model(advisory.product, model):
        return Concern.LISTED if advisory.exploited and _MANY.search(advisory.product) else None
    held = [span.holds(firmware) if firmware else Within.UNKNOWN for span in advisory.ranges]
    if held and all(answer is Within.NO for answer in held):
        return None
    if advisory.exploited:
        return Concern.EXPLOITED
    return Concern.AFFECTED if Within.YES in held else Concern.LISTED


def names_model(product: str, model: str) -> bool:
    """Whether a product name means a model: some run of its words is the model, spelling aside."""
    wanted = key(model)
    if len(wanted) < _MODEL_LENGTH:
        return False
    words = [key(word) for word in _WORDS.findall(re.sub(r"[_ ]firmware\b", "", product, flags=re.IGNORECASE))]
    return any("".join(run) == wanted for run in _runs(words))


def key(text: str) -> str:
    """Letters and digits only, in lower case: "Archer AX-21" and "archer_ax21" are one spelling."""
    return _NOT_ALNUM.sub("", text.lower())


def _runs(words: list[str]) -> Iterable[list[str]]:
    return (words[start:end] for start in range(len(words)) for end in range(start + 1, min(start + 5, len(words)) + 1))
