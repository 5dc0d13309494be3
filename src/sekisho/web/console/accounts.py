"""Who may come in, and which programs; changed by ``sekisho users`` on the machine, so that no page can add anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.cases.accounts import people, tokens
from sekisho.cases.roles import ROLES, Action, Role

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.console.asking import Ask


def page(ask: Ask) -> Response:
    """People, tokens, and what each role may."""
    with ask.reading() as connection:
        everybody, programs = people.everybody(connection), tokens.of_everybody(connection)
    response: Response = ask.page(
        "accounts.html", people=everybody, tokens=programs, roles=tuple(Role), actions=tuple(Action), table=ROLES
    )
    return response
