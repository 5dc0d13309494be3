"""The API as an application of its own, to be mounted: routes out of the table, errors as problems (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from sekisho import __version__
from sekisho.core.errors import NotFound, Refused, SekishoError
from sekisho.core.log import logger
from sekisho.web.api.asking import Needs
from sekisho.web.api.models import Problem
from sekisho.web.api.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from sekisho.web.console.state import Console

DESCRIPTION = """Cases, events, notices and their decisions for programs.

Every request carries a token of `sekisho users token` as a bearer token; it may do what its scopes and the roles of its
person both allow. A POST with an `Idempotency-Key` is done once within a day and answered the same when it is repeated.
Times are ISO 8601 in UTC. Volumes are estimates from samples, peaks are the highest ten seconds."""

_SAID = {400: "not a request", 401: "no valid token", 403: "not allowed", 404: "not found", 409: "refused",
         422: "not what was expected", 503: "not available now"}  # fmt: skip
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": what, "content": {"application/problem+json": {}}}
    for status, what in _SAID.items()
}


def api(console: Console) -> FastAPI:
    """The application; its description is open to whoever can reach it, everything else takes a token."""
    app = FastAPI(
        title="Sekisho", version=__version__, description=DESCRIPTION, docs_url=None, redoc_url=None,
        separate_input_output_schemas=False,
    )  # fmt: skip
    for route in ROUTES:
        app.add_api_route(
            route.path,
            route.answer,
            methods=[route.method],
            name=route.answer.__name__,
            dependencies=[Depends(Needs(console, route.action))],
            responses=PROBLEMS,
            openapi_extra={"x-scope": route.action.value},
        )
    app.add_exception_handler(SekishoError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _unexpected)
    return app


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """One error, as RFC 9457 has it."""
    content = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail).model_dump()
    return JSONResponse(content, status, headers=headers, media_type="application/problem+json")


def _ours(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, NotFound):
        return problem(404, error.problem)
    if isinstance(error, Refused):
        return problem(409, str(error))
    logger().warning("the API could not answer", path=request.url.path, why=str(error))
    return problem(503, str(error), {"Retry-After": "5"})


def _http(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, HTTPException), "registered for it alone"
    return problem(error.status_code, str(error.detail), error.headers)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, RequestValidationError), "registered for it alone"
    first = error.errors()[0]
    return problem(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
