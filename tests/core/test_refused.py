"""What people are refused is said in the language that they read."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sekisho.core.errors import Refused

SOURCE = Path(__file__).parents[2] / "src" / "sekisho"
SHOWN = (
    *(SOURCE / "cases").rglob("*.py"),
    *(SOURCE / "web").rglob("*.py"),
    SOURCE / "core" / "purposes.py",
    SOURCE / "notices" / "compose.py",
    SOURCE / "notices" / "contacts" / "join.py",
)
"""What a page may show; the command line says English."""

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def refusals() -> list[tuple[str, ast.Call]]:
    return [
        (f"{path.relative_to(SOURCE)}:{node.lineno}", node)
        for path in SHOWN
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Refused", "errors.Refused"}
        if not any(keyword.arg == "why" for keyword in node.keywords)
    ]


def test_both_languages() -> None:
    """Every refusal that a page may show has a Japanese sentence; the same values stand in both."""
    found = refusals()
    assert len(found) > 30
    for place, call in found:
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            continue
        assert len(call.args) == 2, place
        en, ja = (ast.unparse(argument) for argument in call.args)
        assert JAPANESE.search(ja), place
        assert not JAPANESE.search(en), place


@pytest.mark.parametrize(("given", "ja"), [(("no",), "no"), (("no", "いいえ"), "いいえ")])
def test_a_sentence_in_each(given: tuple[str, ...], ja: str) -> None:
    """Where there is no Japanese, the English one."""
    error = Refused(*given)
    assert (str(error), error.text("en"), error.text("ja")) == ("no", "no", ja)
