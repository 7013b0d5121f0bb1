"""Who takes part in the benchmark of serving, and what each is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import psutil

from app.engines import cpu
from app.settings import Settings
from benchmarks.bare import BareJob
from benchmarks.load import TOKEN, Job
from benchmarks.servers import HOST, Server, Worker, statewise, vllm_server, worker

GATHERED: Final = 8
"""The `stream_interval` of vLLM's server beside its default, 1."""
SPECULATION: Final = {
    "ngram 3": {"num_speculative_tokens": 3, "prompt_lookup_min": 2, "prompt_lookup_max": 4},
    "ngram 5": {"num_speculative_tokens": 5, "prompt_lookup_min": 2, "prompt_lookup_max": 4},
}
Answer = Callable[[Sequence[str]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What all contestants are given: engine options, and how much to write."""

    settings: Settings
    options: Sequence[str]
    """Of the engine, for every contestant."""
    max_tokens: int
    temperature: float
    streams: int


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to answer questions, and the process that is the service."""

    name: str
    service: psutil.Process
    answer: Answer
    metrics: str | None = None
    """Where it says what became of its guesses, if it makes any."""


@contextmanager
def servers(load: Worker, asked: Asked, names: Sequence[str]) -> Iterator[list[Contestant]]:
    """Our server, vLLM's own and none at all: those of `names`."""
    ours, theirs, bare = "statewise", "vllm", "bare"
    managers = {
        ours: statewise(asked.settings, asked.options),
        theirs: vllm_server(asked.settings, asked.options, profile=True),
        bare: worker("benchmarks.bare", asked.settings, asked.options),
    }
    kinds = {name.partition(",")[0] for name in names}
    with ExitStack() as stack:
        started = _together(stack, {kind: managers[kind] for kind in managers if kind in kinds})
        found: list[Contestant] = []
        if (server := started.get(ours)) is not None:
            found += [
                _ours(ours, server, load, asked),
                _ours("statewise, no deltas", server, load, asked, deltas=False),
                _ours("statewise, kept", server, load, asked, store=True),
                _ours("statewise, background", server, load, asked, store=True, background=True),
            ]
        if (server := started.get(theirs)) is not None:
            gathered = {"stream_interval": GATHERED}
            found += [
                Contestant(theirs, server.process, _chat(server, load, asked)),
                Contestant("vllm, gathered", server.process, _chat(server, load, asked, gathered)),
            ]
        if (loop := started.get(bare)) is not None:
            loop.hear()
            found.append(Contestant(bare, loop.process, _generate(loop, asked)))
        yield [each for each in found if each.name in names]


@contextmanager
def ours_alone(load: Worker, asked: Asked, sampled: Path | None = None) -> Iterator[Contestant]:
    """Our server and nobody else; `sampled` is where it writes what it does."""
    with statewise(asked.settings, asked.options, sampled) as server:
        yield _ours("statewise", server, load, asked)


@contextmanager
def defaults(load: Worker, asked: Asked) -> Iterator[list[Contestant]]:
    """vLLM's server as it comes."""
    with vllm_server(asked.settings, profile=False) as server:
        yield [Contestant("vllm, defaults", server.process, _chat(server, load, asked))]


@contextmanager
def speculating(load: Worker, asked: Asked) -> Iterator[list[Contestant]]:
    """Our server without and with tokens guessed from what was written before."""
    options = {"statewise": list(asked.options)}
    for name, chosen in SPECULATION.items():
        config = json.dumps({"method": "ngram", **chosen})
        options[name] = [*asked.options, "--speculative-config", config]
    managers = {name: statewise(asked.settings, each) for name, each in options.items()}
    with ExitStack() as stack:
        yield [
            replace(
                _ours(name, server, load, asked), metrics=f"http://{HOST}:{server.port}/metrics"
            )
            for name, server in _together(stack, managers).items()
        ]


def _together(
    stack: ExitStack, managers: Mapping[str, AbstractContextManager[Any]]
) -> dict[str, Any]:
    """Enters all at the same time: each waits until its process is up.

    On a GPU one after another: an engine takes all memory that goes meanwhile for its own.
    """
    if not cpu.is_cpu():
        return {name: stack.enter_context(manager) for name, manager in managers.items()}
    entering = {}
    try:
        with ThreadPoolExecutor(len(managers)) as pool:
            for name, manager in managers.items():
                entering[name] = pool.submit(manager.__enter__)
    finally:  # also when this process is asked to end meanwhile: what comes up is ended
        for name, entered in entering.items():
            if entered.exception() is None:
                stack.push(managers[name])
    return {name: entered.result() for name, entered in entering.items()}


def _generate(loop: Worker, asked: Asked) -> Answer:
    """Nothing between the questions and the engine."""

    def answer(questions: Sequence[str]) -> dict[str, Any]:
        return loop.ask(BareJob(questions, asked.streams, asked.max_tokens, asked.temperature))

    return answer


def _ours(
    name: str, server: Server, load: Worker, asked: Asked, *, deltas: bool = True, **kept: bool
) -> Contestant:
    """Streamed solutions; vLLM's own server keeps nothing, so unless `kept` neither do we."""
    fixed = {
        "stream": True,
        "deltas": deltas,
        "max_tokens": asked.max_tokens,
        "temperature": asked.temperature,
        **({"store": False} | kept),
    }

    def answer(questions: Sequence[str]) -> dict[str, Any]:
        bodies = [json.dumps({"question": question, **fixed}) for question in questions]
        return load.ask(Job(HOST, server.port, "/v1/solutions", bodies, asked.streams))

    return Contestant(name, server.process, answer)


def _chat(server: Server, load: Worker, asked: Asked, more: dict[str, Any] | None = None) -> Answer:
    fixed = {
        "model": asked.settings.served_name,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": asked.max_tokens,
        "temperature": asked.temperature,
        **(more or {}),
    }

    def answer(questions: Sequence[str]) -> dict[str, Any]:
        bodies = [
            json.dumps({"messages": [{"role": "user", "content": question}], **fixed})
            for question in questions
        ]
        path = "/v1/chat/completions"
        return load.ask(Job(HOST, server.port, path, bodies, asked.streams, TOKEN))

    return answer
