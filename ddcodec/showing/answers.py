"""Answers to the requests of a page that is served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ddcodec.arrays import Row, UInt8s
from ddcodec.errors import DdcodecError, RequestError
from ddcodec.showing.page_files import MEDIA_TYPES, page_files
from ddcodec.showing.pictures import png
from ddcodec.showing.source import MOST_VIEWS, PageSource

__all__ = ["FAULTS", "Answers"]

_NOBODY = 499  # by custom: whoever asked has gone
_TOGETHER = 8  # pictures that are drawn at once


class Answers:
    """Answers to requests for what an artifact holds.

    What a prior draws is drawn by one thread, all pictures that are waited for at once.

    Args:
        source: of the artifact.
    """

    def __init__(self, source: PageSource) -> None:
        self._source = source
        self._turn = asyncio.Lock()
        self._wanted: set[Row] = set()
        self._drawer = ThreadPoolExecutor(1)

    @property
    def drawing(self) -> bool:
        """Whether the prior is at work."""
        return self._source.generated and self._turn.locked()

    @property
    def routes(self) -> list[Route]:
        """Where each answer is found, below the token."""
        return [
            Route(f"/{{token}}{path}", answer)
            for path, answer in (
                ("/summary.json", self.summary),
                ("/picture/{row:int}/{slot:int}.json", self.picture),
                ("/picture/{row:int}/{slot:int}.png", self.picture_png),
                ("/stored/{row:int}/{slot:int}/{number:int}.png", self.stored_png),
                ("/views/{row:int}/{slot:int}.json", self.views),
                ("/views/{row:int}/{slot:int}/{view:int}.png", self.view_png),
                ("/{name:path}", _file),
            )
        ]

    def close(self) -> None:
        """Wait for what is being drawn."""
        self._drawer.shutdown(cancel_futures=True)

    async def summary(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._source.summary))

    async def picture(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._source.picture, *_row(request)))

    async def views(self, request: Request) -> Response:
        first, count = (_number(request, *one) for one in (("first", 0), ("count", MOST_VIEWS)))
        tell = partial(self._source.views, *_row(request), first, count)
        if self._source.draws_labels:
            return await self._drawn(request, lambda: JSONResponse(tell()))
        return JSONResponse(await run_in_threadpool(tell))

    async def picture_png(self, request: Request) -> Response:
        row = _row(request)
        if not self._source.generated:
            return await run_in_threadpool(lambda: _png(self._source.picture_pixels(*row)))
        self._wanted.add(row)
        try:
            return await self._drawn(request, partial(self._with_others, row))
        finally:
            self._wanted.discard(row)

    def _with_others(self, row: Row) -> Response:
        """A picture, drawn with others that are waited for: together they take little longer."""
        # A copy, made in one step: requests go on coming in on the other thread.
        wanted = self._wanted.copy()
        if row in wanted:
            rows = [row, *sorted(wanted - {row})][:_TOGETHER]
            self._source.draw(rows)
            self._wanted.difference_update(rows)
        return _png(self._source.picture_pixels(*row))

    async def view_png(self, request: Request) -> Response:
        work = partial(self._source.view_pixels, *_row(request), request.path_params["view"])
        if self._source.generated:
            return await self._drawn(request, lambda: _png(work()))
        return await run_in_threadpool(lambda: _png(work()))

    async def stored_png(self, request: Request) -> Response:
        work = partial(self._source.stored_pixels, *_row(request), request.path_params["number"])
        return await run_in_threadpool(lambda: _png(work()))

    async def _drawn(self, request: Request, work: Callable[[], Response]) -> Response:
        """What has to be drawn, one after another; not at all where nobody waits any more."""
        async with self._turn:
            if await request.is_disconnected():
                return Response(status_code=_NOBODY)
            return await asyncio.get_running_loop().run_in_executor(self._drawer, work)


async def _file(request: Request) -> Response:
    """One of the files of the page, which are few and known."""
    name = request.path_params["name"] or "index.html"
    content = page_files().get(name)
    if content is None:
        return PlainTextResponse("There is no such page.\n", 404)
    return Response(content, media_type=MEDIA_TYPES[name.rpartition(".")[2]])


def _png(pixels: UInt8s) -> Response:
    # The URL has the token in it, so nothing of another artifact is ever found under it.
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(png(pixels), media_type="image/png", headers=headers)


def _not_there(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 404)


def _failed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 500)


def _row(request: Request) -> tuple[int, int]:
    return request.path_params["row"], request.path_params["slot"]


def _number(request: Request, name: str, default: int) -> int:
    """A number of the query.

    Raises:
        RequestError: it is none.
    """
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise RequestError(f"{name} is not a number")
    return int(text)


FAULTS = {RequestError: _not_there, DdcodecError: _failed}
"""What is answered where an answer cannot be made."""
