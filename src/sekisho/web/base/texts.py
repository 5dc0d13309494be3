"""Texts of pages: one file for each application, both languages side by side."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING

from sekisho.measures.model import Language, Reader, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "texts.toml"


def load(*packages: str) -> Mapping[str, Text]:
    """Every text of the packages' ``texts.toml`` by its name; a later package's stands for an earlier one's.

    Placeholders are written ``{name}``, the same in both languages.
    """
    found: dict[str, Text] = {}
    for package in packages:
        tables = tomllib.loads(files(package).joinpath(FILE).read_text("utf-8"))
        found |= {name: Text.of(table) for name, table in tables.items()}
    return found


def say(
    texts: Mapping[str, Text], language: Language, name: str, reader: Reader = Reader.ANYONE, /, **values: object
) -> str:
    """One text in one language; the page escapes it.

    Raises:
        KeyError: no such text, or a placeholder without a value.
    """
    return texts[name].render(language, reader, **values)
