"""The spans of one solution: it is a workflow, its calls of the engine are inferences, and under
these are the transitions that they wrote.

Nothing is done for a token: a call is timed at its ends and its first chunk, and a transition's
span is made when it is complete, from the seconds that it says it took.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from app.engines.base import Chunk, Sampling
from app.errors import AppError
from statespace.reader import Grown, Opened
from statespace.solutions import (
    IncompleteReason,
    Path,
    Solution,
    SolutionRequest,
    Status as SolutionStatus,
)
from statespace.trace import Origin, Transition

SECOND: Final = 1_000_000_000
QUEUED: Final = SECOND // 100
"""Shorter waits are not told."""
MAX_CONTENT: Final = 20_000
"""Characters of a question, an output or an answer."""
BROKEN_OFF: Final = frozenset({IncompleteReason.DEADLINE, IncompleteReason.SHUTDOWN})
"""Ends that are no work of the model."""


class Call:
    """The span of one generation."""

    def __init__(self, span: Span, around: context.Context, began: int) -> None:
        self.began = began
        self.context = trace.set_span_in_context(span, around)
        """For what is part of it."""
        self.headers: dict[str, str] = {}
        propagate.inject(self.headers, self.context)
        self._span = span
        self._first = 0
        self._tokens = 0
        self._cached = 0
        self._finish: str | None = None

    def heard(self, chunk: Chunk) -> None:
        """Counted; it has no span."""
        if not self._first:
            self._first = time.time_ns()
        self._tokens += len(chunk.token_ids)
        if chunk.cached_tokens:
            self._cached = chunk.cached_tokens
        if chunk.finish_reason:
            self._finish = chunk.finish_reason

    def failed(self, error: BaseException) -> None:
        """Closing the generator is no failure: its strategy has heard enough."""
        if isinstance(error, AppError):
            _fail(self._span, error.code or error.type)
        elif isinstance(error, asyncio.CancelledError):
            _fail(self._span, "cancelled")
        elif not isinstance(error, GeneratorExit):
            _fail(self._span, type(error).__qualname__)

    def ended(self) -> None:
        """The end of the span."""
        told: dict[str, Any] = {
            "gen_ai.usage.output_tokens": self._tokens,
            "gen_ai.usage.cache_read.input_tokens": self._cached,
            # What a strategy has heard enough of is ended before the model ends.
            "gen_ai.response.finish_reasons": [self._finish or "halted"],
        }
        if self._first:
            told["gen_ai.response.time_to_first_chunk"] = (self._first - self.began) / SECOND
        self._span.set_attributes(told)
        self._span.end()


class SolutionTrace:
    """Told what happens to a solution, as its sinks are, and of what the engine is asked."""

    def __init__(  # noqa: PLR0913
        self,
        tracer: Tracer,
        solution_id: str,
        request: SolutionRequest,
        model: str,
        *,
        began_ns: int,
        provider: str,
        remote: bool,
        content: bool,
        links: Sequence[Link],
        attributes: Mapping[str, str | int],
        unfinished: set[SolutionTrace],
    ) -> None:
        """It is in `unfinished` from its beginning to its end."""
        self._tracer = tracer
        self._model = model
        self._provider = provider
        self._kind = SpanKind.CLIENT if remote else SpanKind.INTERNAL
        self._content = content
        self._began = began_ns
        self._span = tracer.start_span(
            f"invoke_workflow {request.strategy}",
            links=links,
            start_time=self._began,
            attributes={
                "gen_ai.operation.name": "invoke_workflow",
                "gen_ai.workflow.name": request.strategy,
                "gen_ai.provider.name": provider,
                "gen_ai.request.model": model,
                "gen_ai.request.stream": request.stream,
                "gen_ai.response.id": solution_id,
                "statewise.background": request.background,
                **attributes,
            },
        )
        self._traced = self._span.is_recording()
        self._context = trace.set_span_in_context(self._span)
        self._calls: dict[int, list[Call]] = {}
        """By path."""
        self._waited = False
        self._unfinished = unfinished

    def created(self, solution: Solution) -> None:  # noqa: ARG002
        """From now on it has an end."""
        self._unfinished.add(self)

    def in_progress(self, solution: Solution) -> None:  # noqa: ARG002
        """It runs now; called in the run's own task, whose log lines get the span's ids."""
        context.attach(self._context)
        self._unfinished.add(self)
        self._calls.clear()
        now = time.time_ns()
        if not self._waited and now - self._began > QUEUED:
            queue = self._tracer.start_span("queue", self._context, start_time=self._began)
            queue.end(now)
        self._waited = True

    def opened(self, opened: Opened) -> None:
        """A span is made of what is complete."""

    def grown(self, grown: Grown) -> None:
        """No span is made of parts."""

    def completed(self, transition: Transition) -> None:
        """A span for it; what a fork or a server before had written has come before any call."""
        if not (self._traced and self._calls):
            return
        end = time.time_ns()
        start = end - int(transition.seconds * SECOND)
        attributes: dict[str, Any] = {
            "statewise.transition.id": transition.id,
            "statewise.transition.parent": transition.parent,
            "statewise.transition.path": transition.path,
            "statewise.transition.action": transition.action.value,
            "statewise.transition.verdict": transition.verdict.value,
            "statewise.transition.tokens": transition.tokens,
        }
        # What is nearly always so is not told: an attribute costs more than all else here.
        if transition.origin is not Origin.MODEL:
            attributes["statewise.transition.origin"] = transition.origin.value
        if not transition.legal:
            attributes["statewise.transition.legal"] = False
        if transition.target is not None:
            attributes["statewise.transition.target"] = transition.target
        if self._content:
            attributes["statewise.transition.output"] = transition.output[:MAX_CONTENT]
        span = self._tracer.start_span(
            f"transition {transition.action.value}",
            self._writer(transition, (start + end) // 2),
            attributes=attributes,
            start_time=start,
        )
        span.end(end)

    def text(self, text: str, answer: str | None) -> None:
        """Told at the end."""

    def path(self, path: Path) -> None:
        """Told at the end."""

    def ended(self, solution: Solution) -> None:
        """The end of its span, with how it ended."""
        self._unfinished.discard(self)
        if not self._traced:
            return
        status, reason, usage = solution.status, solution.incomplete_reason, solution.usage
        attributes: dict[str, Any] = {
            "gen_ai.response.model": self._model,
            "gen_ai.response.finish_reasons": [_finish(solution)],
            "statewise.status": status.value,
            "statewise.answered": solution.answer is not None,
            "statewise.transitions": len(solution.transitions),
            "statewise.refuted": solution.verification.refuted,
            "statewise.tokens.generated": usage.completion_tokens,
            "statewise.tokens.discarded": usage.discarded_tokens,
        }
        if self._content:
            attributes |= _messages(solution)
        self._span.set_attributes(attributes)
        if solution.error is not None:
            _fail(self._span, solution.error.code or solution.error.type)
        elif status is SolutionStatus.CANCELLED:
            _fail(self._span, status.value)
        elif reason in BROKEN_OFF:
            _fail(self._span, str(reason.value))
        self._span.end()

    def close(self) -> None:
        """The end, also of what another server goes on with."""
        if self in self._unfinished:
            self._unfinished.discard(self)
            self._span.set_attribute("statewise.status", "handed_over")
            self._span.end()

    def watch(self, prompt: Sequence[int], sampling: Sampling, path: int) -> Call:
        """A generation begins."""
        began = time.time_ns()
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "text_completion",
            "gen_ai.provider.name": self._provider,
            "gen_ai.request.model": self._model,
            "gen_ai.request.max_tokens": sampling.max_tokens,
            "gen_ai.request.temperature": sampling.temperature,
            "gen_ai.request.top_p": sampling.top_p,
            "gen_ai.usage.input_tokens": len(prompt),
            "statewise.path": path,
        }
        if sampling.seed is not None:
            attributes["gen_ai.request.seed"] = sampling.seed
        name = f"text_completion {self._model}"
        span = self._tracer.start_span(
            name, self._context, self._kind, attributes, start_time=began
        )
        call = Call(span, self._context, began)
        self._calls.setdefault(path, []).append(call)
        return call

    def _writer(self, transition: Transition, at: int) -> context.Context:
        """What a transition is part of: the call that wrote it, or the solution.

        A path's calls do not overlap; `at` is in the middle of the transition, which is told a
        little after its end.
        """
        calls = self._calls.get(transition.path)
        if transition.origin is not Origin.MODEL or not calls:
            return self._context
        return next((call for call in reversed(calls) if call.began <= at), calls[0]).context


def _fail(span: Span, kind: str) -> None:
    """Without the message, which may repeat what a client has sent."""
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def _finish(solution: Solution) -> str:
    if solution.incomplete_reason is not None:
        return solution.incomplete_reason.value
    return "stop" if solution.status is SolutionStatus.COMPLETED else solution.status.value


def _messages(solution: Solution) -> dict[str, str]:
    """Question and answer in the convention's form."""
    said = solution.text if solution.text is not None else solution.answer
    asked = {"role": "user", "parts": [_part("text", solution.question)]}
    answered = {
        "role": "assistant",
        "parts": [
            *(_part("reasoning", transition.output) for transition in solution.transitions),
            *([] if said is None else [_part("text", said)]),
        ],
        "finish_reason": _finish(solution),
    }
    return {
        "gen_ai.input.messages": json.dumps([asked]),
        "gen_ai.output.messages": json.dumps([answered]),
    }


def _part(kind: str, content: str) -> dict[str, str]:
    return {"type": kind, "content": content[:MAX_CONTENT]}
