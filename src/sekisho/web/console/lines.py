"""Which line held an address: asked for a purpose, on record before it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.cases import audit
from sekisho.core.errors import InputError, Refused
from sekisho.core.purposes import purpose_of
from sekisho.core.time import JST, to_datetime
from sekisho.pipeline.who import answered, question_of, summary

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.console.asking import Ask


def page(ask: Ask) -> Response:
    """The form."""
    response: Response = ask.page("lines.html", found=None, asked={}, at=_local(ask.now_ms))
    return response


def who(ask: Ask) -> Response:
    """The answer with its grounds."""
    purpose = purpose_of(ask.form.get("purpose", ""), ask.console.policy.purposes)
    port, at = ask.form.get("port", "").strip() or "0", ask.form.get("at", "")
    if not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65_536):
        raise Refused(
            f"port: expected 0 to 65535, found {port!r}",
            f"ポートは 0 から 65535 までの数字で入力してください（入力: {port!r}）",
        )
    try:
        question = question_of(
            ask.form.get("address", "").strip(),
            port=int(port),
            protocol=ask.form.get("protocol", "tcp"),
            realm=ask.form.get("realm", "").strip(),
            at=(at if "+" in at or at.endswith("Z") else f"{at}+09:00") if at else None,
            now_ms=ask.now_ms,
        )
    except (InputError, OverflowError) as error:
        raise Refused(
            str(error), f"アドレス、ポート、プロトコル、時刻のいずれかが正しくありません（{error}）"
        ) from error
    found = answered(ask.console.config, question, purpose)
    with ask.writing() as connection:
        audit.append(connection, "lines_who", ask.act(), details=summary(found))
    response: Response = ask.page("lines.html", found=found, asked=ask.form, at=at)
    return response


def _local(milliseconds: int) -> str:
    return f"{to_datetime(milliseconds).astimezone(JST):%Y-%m-%dT%H:%M}"
