"""Serves the page. What a browser may do with it stands in its headers, which are strict.

The page loads nothing from elsewhere and holds no inline script or style, so that text of a model
which got into the page as HTML, by a mistake, could still do nothing.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from app.page.files import INDEX, PageFile, load

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # No string becomes HTML or script, whatever the page's own code does.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Asked for again each time, and answered with 304: modules of two versions never mix.
    "Cache-Control": "no-cache",
}

router: Final = APIRouter(include_in_schema=False)
_files: Final = load()


@router.api_route("/", methods=["GET", "HEAD"])
async def index(request: Request) -> Response:
    """The page, whatever the client accepts: nothing else is here."""
    return _sent(request, _files[INDEX])


@router.api_route("/static/{path:path}", methods=["GET", "HEAD"])
async def static(request: Request, path: str) -> Response:
    """A file of the page. Paths are looked up among those that were read, never on the disk."""
    found = None if path == INDEX else _files.get(path)
    if found is None:
        raise HTTPException(404, "Not Found")
    return _sent(request, found)


def _sent(request: Request, file: PageFile) -> Response:
    headers = HEADERS | {"ETag": file.etag}
    known = {tag.strip().removeprefix("W/") for tag in _tags(request)}
    if file.etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    content = b"" if request.method == "HEAD" else file.content
    headers["Content-Length"] = str(len(file.content))
    return Response(content, media_type=file.media_type, headers=headers)


def _tags(request: Request) -> list[str]:
    return request.headers.get("if-none-match", "").split(",")
