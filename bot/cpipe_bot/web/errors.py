"""Errors as pages, for those who ask for pages; others get what they would get without them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from cpipe_bot.web.render import page
from cpipe_check.text import clean_line


def error_pages(app: FastAPI) -> None:
    """Have an application answer errors with pages."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _broken)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if not _wants_page(request):
        return await http_exception_handler(request, error)
    return _page(error.status_code, error.detail, error.headers)


async def _broken(request: Request, _error: Exception) -> Response:
    """The server logs it; nothing of it is for the world."""
    if not _wants_page(request):
        return PlainTextResponse("Internal Server Error", 500)
    return _page(500, "it is in the log of the server")


def _page(status: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    phrase = HTTPStatus(status).phrase
    # Without a reason given, the framework's is the phrase.
    answer = page(
        "error.html", status=status, code=status, phrase=phrase, why="" if why == phrase else clean_line(why, 300)
    )
    answer.headers.update(headers or {})
    return answer


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
