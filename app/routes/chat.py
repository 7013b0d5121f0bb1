"""`/v1/chat/completions`: the problem of a conversation, solved in the steps of its reasoning."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.openai import chat_runs
from app.openai.chat_answer import ChatCompletion, chat_completion
from app.openai.chat_request import ChatRequest
from app.openai.chat_stream import HEARTBEAT, ChatStream
from app.settings import Settings
from app.solving.service import Service
from app.web import sse
from app.web.access_log import made
from app.web.bodies import described, read_body
from app.web.channel import Channel
from app.web.connection import while_connected
from app.web.streams import FrameResponse

router = APIRouter(prefix="/v1", tags=["chat"])

_PROBLEM: Final = {"role": "user", "content": "What is 12 * 7?"}
EXAMPLES: Final[dict[str, Any]] = {
    "plain": {"value": {"messages": [_PROBLEM]}},
    "streamed": {
        "value": {
            "messages": [_PROBLEM],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    },
    "conversation": {
        "value": {
            "messages": [
                {"role": "system", "content": "You solve school problems."},
                {"role": "user", "content": "Ann has 3 pens. She buys 4. How many has she?"},
                {"role": "assistant", "content": "The final answer is \\boxed{7}."},
                {"role": "user", "content": [{"type": "text", "text": "She loses 2. And now?"}]},
            ],
            "n": 2,
            "stop": ["Question:"],
            "max_completion_tokens": 200,
        }
    },
}


@router.post(
    "/chat/completions",
    response_model=ChatCompletion,
    responses={
        200: {"content": {sse.MEDIA_TYPE: {}}, "description": "The completion, or its chunks."}
    },
    openapi_extra=described(ChatRequest, EXAMPLES),
)
async def create_chat_completion(request: Request) -> Response:
    """Solve the problem of the last user turn. Its steps are the reasoning, its end the content."""
    service: Service = request.app.state.service
    settings: Settings = request.app.state.settings
    chat = await read_body(request, ChatRequest)
    planned = chat_runs.plan(chat, settings)
    key = request.state.key
    if chat.stream:
        channel = Channel(HEARTBEAT)
        stream = ChatStream(planned.head, chat, channel)
        begun = await while_connected(
            request, chat_runs.begin(service, planned, key, lambda index: [stream.sink(index)])
        )
        made(request, [running.id for running in begun])
        return FrameResponse(channel.read(settings.heartbeat_s), lambda: chat_runs.cancel(begun))
    solutions = await while_connected(request, chat_runs.solve(service, planned, key))
    made(request, [solution.id for solution in solutions])
    completion = chat_completion(planned.head, solutions)
    return Response(completion.model_dump_json(), media_type="application/json")
