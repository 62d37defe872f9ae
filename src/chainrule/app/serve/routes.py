"""The addresses of the server, and what each answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.resources import as_file, files
from typing import Any

import numpy as np

from chainrule import __version__
from chainrule.app.failures import ExitCode, explain
from chainrule.app.serve.about import about_edge, about_unit, derivation
from chainrule.app.serve.address import Address
from chainrule.app.serve.claim_view import listing, verdicts
from chainrule.app.serve.course import Library
from chainrule.app.serve.forecasts import forecast
from chainrule.app.serve.frame import Moment, Moments, frame
from chainrule.app.serve.maps import about_place, maps
from chainrule.app.serve.setup import LOSSES_FOR, OPTIMISERS, number, whole
from chainrule.app.serve.shelf import MOST_BYTES, Shelf
from chainrule.app.serve.slices import loss_slice
from chainrule.app.serve.stream import train
from chainrule.app.serve.surface import points, surface
from chainrule.errors import MissingDependencyError, ParameterError
from chainrule.nn.activations import ACTIVATIONS

_HEADERS = {
    # Nothing from elsewhere is ever loaded, and no other site may show the page in a frame.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def make_app(shelf: Shelf, hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")) -> Any:
    """Make the web application.

    Parameters
    ----------
    shelf
        What can be opened.
    hosts
        Names under which the server answers. A page of another site could otherwise reach it
        through a name of its own that points here.

    Raises
    ------
    MissingDependencyError
        If FastAPI is not installed.
    """
    try:
        from fastapi import FastAPI
        from fastapi.concurrency import run_in_threadpool
        from fastapi.middleware.trustedhost import TrustedHostMiddleware
        from fastapi.responses import JSONResponse, Response, StreamingResponse
        from fastapi.staticfiles import StaticFiles
    except ImportError as error:
        raise MissingDependencyError(
            "the page needs FastAPI and uvicorn: pip install 'chainrule[serve]'"
        ) from error

    library = Library(shelf)
    moments = Moments(library)
    app = FastAPI(title="chainrule", openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))

    @app.middleware("http")
    async def guard(request: Any, answer: Any) -> Any:
        origin = request.headers.get("origin")
        host = request.headers.get("host", "")
        if origin is not None and origin.split("//", 1)[-1] != host:
            return JSONResponse({"error": "requests from other sites are refused"}, 403)
        response = await answer(request)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        return response

    @app.exception_handler(Exception)
    async def failed(request: Any, error: Exception) -> Any:
        sentence, code = explain(error)
        return JSONResponse({"error": sentence}, 400 if code == ExitCode.USAGE else 500)

    for kind in _caught():
        app.add_exception_handler(kind, failed)

    def moment(stored: Any) -> Moment:
        return moments.at(Address.read(stored))

    def asked(path: str) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        """Answer questions whose body is JSON; the work is done beside the server's loop."""

        def put_up(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
            def calmly(question: Any) -> Any:
                with np.errstate(all="ignore"):  # what is not finite is shown as such
                    return answer(question)

            async def respond(request: Any) -> Any:
                try:
                    question = await request.json()
                except (ValueError, RecursionError) as error:
                    raise ParameterError(f"the question is not JSON: {error}") from error
                told = await run_in_threadpool(calmly, question)
                return told if isinstance(told, Response) else JSONResponse(told)

            app.add_route(path, respond, methods=["POST"])
            return answer

        return put_up

    @app.get("/api/start")
    def start() -> Any:
        shelf.refresh()
        return {
            "version": __version__,
            "sources": shelf.listing(),
            "activations": list(ACTIVATIONS),
            "losses": {task: list(names) for task, names in LOSSES_FOR.items()},
            "optimisers": list(OPTIMISERS),
            "claims": listing(),
        }

    @asked("/api/frame")
    def show(state: Any) -> Any:
        shown = moment(state)
        told = frame(shown)
        return told if shown.sizes is not None else {**told, "maps": maps(shown)}

    @asked("/api/about")
    def about(question: Any) -> Any:
        if not isinstance(question, dict) or not isinstance(question.get("pick"), list):
            raise ParameterError('a question has a "state" and a "pick"')
        pick = [whole("pick", n) for n in question["pick"]]
        at = moment(question.get("state"))
        if "key" in question:
            return about_place(at, question["key"], pick)
        if len(pick) == 2:
            return about_unit(at, *pick)
        if len(pick) == 3:
            return about_edge(at, *pick)
        raise ParameterError("a pick is [layer, unit] or [layer, from, to]")

    @asked("/api/derivation")
    def equations(state: Any) -> Any:
        return derivation(moment(state))

    @asked("/api/array")
    def array(question: Any) -> Any:
        if not isinstance(question, dict) or not isinstance(question.get("key"), str):
            raise ParameterError('a question has a "state" and a "key"')
        at = moment(question.get("state"))
        if question["key"] not in at.step.keys():  # noqa: SIM118 - a step is no dict
            raise ParameterError(f"there is no value {question['key']!r:.80}")
        value = np.asarray(at.step[question["key"]], "<f4")
        shape = ",".join(map(str, value.shape))
        return Response(
            value.tobytes(), media_type="application/octet-stream", headers={"X-Shape": shape}
        )

    @asked("/api/surface")
    def plane(state: Any) -> Any:
        address = Address.read(state)
        course = library.course(address)
        if not course.program.material.plane:
            raise ParameterError("a surface needs rows of two numbers")
        drawn = surface(course, course.at(address.step))
        return {**drawn, "points": points(course)}

    @asked("/api/forecast")
    def behind(state: Any) -> Any:
        address = Address.read(state)
        course = library.course(address)
        past = course.program.material.past
        if past is None:
            raise ParameterError("a forecast needs a model of forecasts")
        rows = course.program.rows_of(address.step)
        return forecast(course, past, course.at(address.step), int(rows[address.place(rows)]))

    @asked("/api/slice")
    def around(question: Any) -> Any:
        if not isinstance(question, dict) or not isinstance(question.get("index", []), list):
            raise ParameterError('a question has a "state", a "kind", and of a weight its place')
        index = tuple(whole("index", n) for n in question.get("index", []))
        at = moment(question.get("state"))
        return loss_slice(at, question.get("kind"), question.get("path"), index)

    @asked("/api/measures")
    def measures(state: Any) -> Any:
        address = Address.read(state)
        course = library.course(address)
        carry = course.at(address.step)
        arrays = {name: carry[name] for name in ("trainable", "state")}
        fixed, program = course.data["fixed"], course.program
        held = None if program.held is None else program.held(arrays, fixed)
        return {"train": program.all_rows(arrays, fixed), "held": held}

    @app.get("/api/train")
    def stream(
        state: str, speed: float = 0, most: int = 10_000_000, until_correct: bool = False
    ) -> Any:
        address = Address.parse(state)
        course = library.course(address)
        rate = None if speed <= 0 else number("speed", speed)
        told = train(course, address, rate, most, until_correct)
        return StreamingResponse(_events(told), media_type="text/event-stream")

    async def take_file(request: Any) -> Any:
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > MOST_BYTES:
                raise ParameterError(f"the file is larger than {MOST_BYTES // 2**20} MB")
        name = request.query_params.get("name", "file")
        path = await run_in_threadpool(shelf.store, name, bytes(content))
        columns = await run_in_threadpool(shelf.columns, path)
        # The browser gets a token, not a path: it can name no other file of this machine.
        return JSONResponse({"token": shelf.token(path), "columns": columns})

    app.add_route("/api/file", take_file, methods=["PUT"])

    @asked("/api/open")
    def open_(files: Any) -> Any:
        if not isinstance(files, dict):
            raise ParameterError("choose a model, a table, or both")
        paths = {kind: shelf.path(files.get(kind)) for kind in ("model", "table")}
        target = files.get("target") or None
        if target is not None and not isinstance(target, str):
            raise ParameterError("the target is the name of a column")
        return {"name": shelf.open_files(paths["model"], paths["table"], target)}

    @app.get("/api/claims/{name}")
    def claims(name: str) -> Any:
        return JSONResponse(verdicts(name))

    folder = files("chainrule.app.serve").joinpath("page")
    with as_file(folder) as path:
        app.mount("/", StaticFiles(directory=path, html=True), name="page")
    return app


def _caught() -> tuple[type[Exception], ...]:
    """What becomes a sentence; without naming them, the server would also log a traceback."""
    from chainrule.errors import ChainruleError

    return (ChainruleError, OSError, MemoryError)


def _events(told: Iterator[dict[str, Any]]) -> Iterator[str]:
    try:
        for each in told:
            yield f"data: {json.dumps(each, allow_nan=False)}\n\n"
    except Exception as error:
        sentence, _ = explain(error)
        yield f"data: {json.dumps({'kind': 'failed', 'message': sentence})}\n\n"
