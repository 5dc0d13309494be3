"""Texts of the report: both languages in the page, one of them shown."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("ja", "en")


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Every text by its key and language, as ``texts.toml`` has them."""
    return tomllib.loads((files(__package__) / "texts.toml").read_text(encoding="utf-8"))


def say(key: str, **values: object) -> Markup:
    """A text in both languages as HTML, its values escaped.

    Raises:
        KeyError: no such text, or a placeholder without a value.
    """
    return both(**{language: texts()[key][language].format(**values) for language in LANGUAGES})


def name(family: str, code: str) -> Markup:
    """What people call a kind, a cap or a reason; one that the texts do not know is shown by its code."""
    key = f"{family}_{code}"
    return say(key) if key in texts() else Markup("<code>{}</code>").format(code)


def both(*, ja: str, en: str) -> Markup:
    """Two wordings side by side; the page shows the chosen one."""
    return Markup('<span lang="ja">{}</span><span lang="en">{}</span>').format(ja, en)


def plain(key: str) -> str:
    """A text where markup cannot stand, such as a label for screen readers: both languages."""
    return " / ".join(texts()[key][language] for language in LANGUAGES)
