"""Style sheets and pictures: read once, named with a digest, kept by browsers for as long as they like."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

if TYPE_CHECKING:
    from starlette.requests import Request

FOLDER = "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
"""What may be served; a file of another kind is a mistake of ours and fails at the start."""

KEPT = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str
    digest: str


class StaticFiles:
    """The files of the packages' ``static/`` folders.

    Args:
        packages: a later one's file stands for an earlier one's of the same name.
    """

    def __init__(self, *packages: str) -> None:
        self._files: dict[str, _File] = {}
        for package in packages:
            for file in files(package).joinpath(FOLDER).iterdir():
                content = file.read_bytes()
                digest = sha256(content).hexdigest()[:12]
                self._files[file.name] = _File(content, TYPES[PurePath(file.name).suffix], digest)

    def address(self, name: str) -> str:
        """Where a file is; another content has another address.

        Raises:
            KeyError: there is no such file.
        """
        return f"/static/{self._files[name].digest}/{name}"

    def answer(self, request: Request) -> Response:
        """``GET /static/{digest}/{name}``; names are looked up, never opened."""
        file = self._files.get(request.path_params["name"])
        if file is None or file.digest != request.path_params["digest"]:
            return PlainTextResponse("there is no such file\n", 404)
        return Response(file.content, media_type=file.media_type, headers={"Cache-Control": KEPT})
