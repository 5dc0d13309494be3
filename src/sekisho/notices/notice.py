"""A text with its values: the subject and the blocks of one notice in one language."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from sekisho.notices.markup import Block, as_value, as_words, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

    from sekisho.measures.model import Language

TEXTS = ("first_notice", "reminder", "recovery", "relapse", "closing", "correction", "announcement")
"""The folders of ``texts/``."""


class Form(StrEnum):
    """What a text is written for."""

    MAIL = "mail"
    LETTER = "letter"


_FILES = {Form.MAIL: "body", Form.LETTER: "letter"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice, ready to be set in any form.

    Attributes:
        banner: said above it while it is only looked at; "" on what is sent.
        missing: keys of the configuration that the text marks as missing.
    """

    language: Language
    subject: str
    blocks: tuple[Block, ...]
    banner: str
    missing: tuple[str, ...]


def fill(text: str, form: Form, language: Language, values: Mapping[str, Any]) -> tuple[str, tuple[Block, ...]]:
    """Subject and blocks of a text.

    Raises:
        jinja2.UndefinedError: a placeholder has no value.
    """
    subject, body = (
        environment().get_template(f"{text}/{name}.{language}").render(values) for name in ("subject", _FILES[form])
    )
    return as_words(subject), parse(body)


def part(name: str, language: Language, values: Mapping[str, Any]) -> tuple[Block, ...]:
    """The blocks of one part that texts share, such as ``seen``, for whoever shows it by itself.

    Raises:
        jinja2.UndefinedError: a placeholder has no value.
    """
    return parse(environment().get_template(f"{name}.{language}").render(values))


@cache
def environment() -> Environment:
    """How templates are read; what they give is marked-up text, and each form escapes it for itself."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("sekisho.notices", "texts"),
        autoescape=False,  # noqa: S701 (no HTML is made here; page.py escapes every block)
        undefined=StrictUndefined,
        finalize=as_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
