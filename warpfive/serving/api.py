"""The HTTP side: OpenAI's endpoints, health and metrics."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from warpfive.errors import InputError
from warpfive.serving.answer import Shape, events
from warpfive.serving.metrics import exposition
from warpfive.serving.schema import ChatRequest, Common, CompletionRequest
from warpfive.serving.service import Service
from warpfive.serving.text import Text


def make_app(
    service: Service, text: Text, model: str, fingerprint: str, open_output: int = 256
) -> FastAPI:
    """The application; ``open_output`` tokens answer a chat that names no limit."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = app.state.task = asyncio.create_task(service.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    app = FastAPI(title="warpfive", lifespan=lifespan)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(InputError, _refused)

    async def answer(asked: Common, chat: bool, prompt: list[int], limit: int) -> Response:
        if asked.model != model:
            return _error(404, f"model {asked.model!r} is not served here; {model!r} is", "model")
        shape = Shape(chat=chat, model=model, fingerprint=fingerprint, prompt_tokens=len(prompt))
        tokens = service.generate(prompt, limit)
        if asked.stream:
            # the first token is awaited here, so that a refusal is a status and not a broken stream
            first = await anext(tokens)
            usage = asked.stream_options is not None and asked.stream_options.include_usage
            pieces = _pieces(text, first, tokens)
            return StreamingResponse(events(shape, pieces, usage), media_type="text/event-stream")
        ids = [token async for token in tokens]
        return JSONResponse(shape.whole(text.decode(ids), len(ids)))

    @app.post("/v1/completions")
    async def completions(asked: CompletionRequest) -> Response:
        prompt = asked.prompt if isinstance(asked.prompt, list) else text.encode(asked.prompt)
        return await answer(asked, False, list(prompt), asked.max_tokens or open_output)

    @app.post("/v1/chat/completions")
    async def chat(asked: ChatRequest) -> Response:
        turns = [{"role": each.role, "content": each.text} for each in asked.messages]
        limit = asked.max_completion_tokens or asked.max_tokens or open_output
        return await answer(asked, True, text.chat(turns), limit)

    @app.get("/v1/models")
    async def models() -> dict[str, object]:
        longest = service.config.longest
        entry = {"id": model, "object": "model", "created": 0, "owned_by": "warpfive",
                 "max_model_len": longest}  # fmt: skip
        return {"object": "list", "data": [entry]}

    @app.get("/health")
    async def health() -> Response:
        return Response(status_code=503 if app.state.task.done() else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        return PlainTextResponse(exposition(service), media_type="text/plain; version=0.0.4")

    return app


async def _pieces(text: Text, first: int, rest: AsyncIterator[int]) -> AsyncIterator[str]:
    """The text of each token."""
    yield text.decode([first])
    async for token in rest:
        yield text.decode([token])


def _error(status: int, message: str, parameter: str | None = None) -> JSONResponse:
    kind = "invalid_request_error"
    record = {"message": message, "type": kind, "param": parameter, "code": None}
    return JSONResponse({"error": record}, status_code=status)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    names = [str(name) for name in first["loc"] if name != "body"]
    reason = str(first["msg"]).removeprefix("Value error, ")
    shown = f" = {first['input']!r}" if isinstance(first.get("input"), int | str | float) else ""
    return _error(400, f"{'.'.join(names) or 'body'}{shown}: {reason}", names[0] if names else None)


async def _refused(_: Request, error: Exception) -> Response:
    return _error(400, str(error))
