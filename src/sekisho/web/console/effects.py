"""What notices achieved, beside the lines that got none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.cases.effect import NOBODY_TOLD, effect

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.console.asking import Ask


def page(ask: Ask) -> Response:
    """Mistakes of ours first, then the shares with their intervals."""
    with ask.reading() as connection:
        found = effect(connection, ask.now_ms)
    response: Response = ask.page("effect.html", effect=found, nobody=NOBODY_TOLD)
    return response
