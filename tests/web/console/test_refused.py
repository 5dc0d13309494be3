"""What the console does not do is said in the language of its pages."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from sekisho.cases.states import JA
from sekisho.web.base.tokens import form_token
from web.console.world import World


def test_what_is_refused_is_said_in_the_language_of_the_page(console: World) -> None:
    """The state is called as everywhere on the pages, in both."""
    form = {"form": form_token(console.secret("operator")), "reason": "x", "purpose": "own_network_protection"}
    path = "/cases/2/line-ended"
    assert console.ask("POST", path, "operator", data=form).status_code == 303
    for language, sentence in (
        ("ja", "ケース 2 は「契約終了」です。この状態から「契約終了」に移すことはできません"),
        ("en", "case 2 is line_ended: it cannot become line_ended"),
    ):
        answer = console.ask("POST", path, "operator", data=form, headers={"Accept-Language": language})
        assert answer.status_code == 409
        assert f"<p>{sentence}</p>" in answer.text


def test_states_have_one_name() -> None:
    """Sentences and pages call them the same."""
    texts = tomllib.loads(files("sekisho.web.console").joinpath("texts.toml").read_text(encoding="utf-8"))
    for state, ja in JA.items():
        assert ja in {texts.get(f"{family}_{state}", {}).get("ja") for family in ("state", "notice_state")}, state
