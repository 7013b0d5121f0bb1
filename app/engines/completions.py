"""vLLM's completion streams: the request that is sent, and what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from app.engines.base import Chunk, Sampling
from app.engines.decoding import TextDecoder
from app.engines.dialect import REPETITION, finish_of
from app.engines.lines import Lines
from app.engines.upstream import MAX_TOLD, LostError
from app.errors import EngineError

_DONE: Final = b"[DONE]"
# A server's defaults are those of the checkpoint's generation_config.json unless it is told
# otherwise; in process they are these.
_NEUTRAL: Final = {
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
_FIXED: Final = _NEUTRAL | {
    "stream": True,
    "stream_options": {"include_usage": True},
    "return_token_ids": True,
    "repetition_detection": REPETITION,
}
LOWEST_LOGPROB: Final = -9999.0
"""What vLLM writes for minus infinity."""
LINE_BYTES: Final = 64 * 1024
BYTES_PER_TOKEN: Final = 16
"""Of an id of the prompt: the first line of an answer repeats them all."""


def request(
    model: str, prompt: Sequence[int], sampling: Sampling, interval: int, *, literal: bool
) -> bytes:
    """The body that asks for a stream, a piece for every `interval` tokens.

    With `literal`, the server's own text spells special tokens out.
    """
    body: dict[str, Any] = {
        **_FIXED,
        "model": sampling.adapter or model,
        "prompt": prompt if isinstance(prompt, list) else list(prompt),
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stream_interval": interval,
        "skip_special_tokens": not literal,
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.banned:
        body["bad_words"] = list(sampling.banned)
    if sampling.logprobs:
        body["logprobs"] = 0  # of the tokens themselves, and of no others
    if sampling.grammar is not None:
        body["structured_outputs"] = {"grammar": sampling.grammar}
    return orjson.dumps(body)


class Answer:
    """Turns the bytes of one stream into chunks.

    The last one is held back: what it cost is only said after it.
    """

    def __init__(self, prompt_tokens: int, max_tokens: int, decoder: TextDecoder | None) -> None:
        """Without a `decoder`, text is what the server makes of its ids."""
        self.last: Chunk | None = None
        """The chunk that says why the answer has ended."""
        self.done = False
        """Whether the server has said that nothing follows."""
        self.tokens = 0
        self._max_tokens = max_tokens
        self._decoder = decoder
        self._lines = Lines(LINE_BYTES + BYTES_PER_TOKEN * prompt_tokens)

    def feed(self, piece: bytes) -> list[Chunk]:
        """The chunks that `piece` completes, but for the last of the answer.

        Raises `LostError` if the server ends the work by itself, `EngineError` if it says that it
        has failed, or what vLLM would not say.
        """
        chunks = []
        try:
            for data in self._lines.feed(piece):
                if data == _DONE:
                    self.done = True
                elif (chunk := self._chunk(orjson.loads(data))) is not None:
                    chunks.append(chunk)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            raise EngineError(f"the model server sent what is no completion: {error!r}") from error
        return chunks

    def _chunk(self, found: dict[str, Any]) -> Chunk | None:
        if "error" in found:
            told = str(found["error"]["message"])[:MAX_TOLD]
            raise EngineError(f"the model server failed: {told}")
        if not found["choices"]:
            self._add_usage(found.get("usage") or {})
            return None
        choice = found["choices"][0]
        ids, finish = choice.get("token_ids"), finish_of(choice.get("finish_reason"))
        if ids is None:
            raise EngineError(
                "the model server gives no token ids; it must be a vLLM that knows "
                "return_token_ids, with nothing in front of it that takes fields out"
            )
        if finish == "abort":  # nobody here has asked for that
            raise LostError("it ended the request: it is being shut down")
        self.tokens += len(ids)
        if self.tokens > self._max_tokens or self.last is not None:
            raise ValueError("more than was asked for")
        text = choice["text"]
        if self._decoder is not None:
            text = self._decoder.decode(ids[:-1] if finish == "stop" else ids)
        chunk = Chunk(text, ids, finish, logprobs=_logprobs(choice.get("logprobs")))
        if finish is None:
            return chunk if ids else None
        self.last = chunk
        return None

    def _add_usage(self, usage: dict[str, Any]) -> None:
        details = usage.get("prompt_tokens_details") or {}
        if self.last is not None and (cached := details.get("cached_tokens")):
            self.last = replace(self.last, cached_tokens=int(cached))


def _logprobs(found: dict[str, Any] | None) -> Sequence[float]:
    if found is None:
        return ()
    return [LOWEST_LOGPROB if one is None else float(one) for one in found["token_logprobs"]]
