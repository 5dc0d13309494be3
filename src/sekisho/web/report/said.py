"""A text with its values, to be said in one language for a terminal or in both for the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sekisho.web.report import texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from sekisho.detect.detector import Language


@dataclass(frozen=True, slots=True)
class Said:
    """A key of ``texts.toml`` and what stands in its placeholders: numbers as text, further texts, or several."""

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def text(self, lang: Language) -> str:
        """In one language."""
        values = {name: _text(value, lang) for name, value in self.values.items()}
        return texts.texts()[self.key][lang].format(**values)

    def html(self) -> Markup:
        """In both, values escaped."""
        return texts.both(ja=self.text("ja"), en=self.text("en"))


Value: TypeAlias = str | int | Said | tuple[Said, ...]
"""What may stand in a placeholder; several are set apart by semicolons."""


def _text(value: Value, lang: Language) -> str | int:
    if isinstance(value, Said):
        return value.text(lang)
    return "; ".join(said.text(lang) for said in value) if isinstance(value, tuple) else value
