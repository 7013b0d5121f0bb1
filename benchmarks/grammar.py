"""What the grammar of prompted mode costs: tokens per second with it and without.

    python -m benchmarks.grammar

The shipped checkpoint on the real engine answers the same problems, greedy, with the grammar and
without, in turns; it writes states by itself, so both write nearly the same. What a large
vocabulary adds is measured on xgrammar alone. The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, Final

from app.engines.base import Sampling
from app.engines.vllm import VllmEngine
from app.settings import Settings
from benchmarks import machine
from benchmarks.pairs import Spread, ratios, spread
from benchmarks.problems import questions, traces
from statespace.grammar import continuation
from statespace.tree import StateTree

STREAMS: Final = (1, 32)
MAX_TOKENS: Final = 160
VOCABULARY: Final = 128_256
"""Tokens, as many as Llama 3 has."""


def main() -> None:
    """Measure, print and end with the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=7)
    options.add_argument("--requests", type=int, default=64, help="of the wider measurement")
    chosen = options.parse_args()
    measured_on = machine.describe()
    masks = _masks()
    print(f"{VOCABULARY} tokens: {masks}")
    found = asyncio.run(_engine(chosen.pairs, chosen.requests))
    for streams, rates in found.items():
        ratio = rates["ratio"]
        print(f"{streams} at a time: {ratio.median} ({ratio.min}-{ratio.max}) of the speed without")
    result = {
        "benchmark": "grammar",
        "machine": measured_on,
        "max_tokens": MAX_TOKENS,
        "tokens_per_s": {
            str(streams): {name: asdict(value) for name, value in rates.items()}
            for streams, rates in found.items()
        },
        "masks": masks,
    }
    print(json.dumps(result, ensure_ascii=False))


async def _engine(pairs: int, requests: int) -> dict[int, dict[str, Spread]]:
    engine = VllmEngine(Settings())
    await engine.start(lambda _: None)
    try:
        return {
            streams: await _pairs(engine, streams, pairs, min(requests, 2 * streams))
            for streams in STREAMS
        }
    finally:
        await engine.stop()


async def _pairs(engine: VllmEngine, streams: int, pairs: int, requests: int) -> dict[str, Spread]:
    rules = continuation(StateTree())
    rates: dict[str | None, list[float]] = {None: [], rules: []}
    prompts = [engine.prompt(question) for question in questions(0, requests)]
    for number in range(pairs + 1):  # the first round warms up
        for grammar in sorted(rates, key=str, reverse=number % 2 == 1):
            rate = await _rate(engine, prompts, grammar, streams)
            if number:
                rates[grammar].append(rate)
    return {
        "with": spread(rates[rules]),
        "without": spread(rates[None]),
        "ratio": ratios(rates[rules], rates[None]),
    }


async def _rate(
    engine: VllmEngine, prompts: Sequence[list[int]], grammar: str | None, streams: int
) -> float:
    """Tokens per second over all `prompts`."""
    pending = iter(prompts)
    sampling = Sampling(MAX_TOKENS, grammar=grammar)

    async def work() -> int:
        tokens = 0
        for prompt in pending:
            async with aclosing(engine.generate(prompt, sampling)) as chunks:
                async for chunk in chunks:
                    tokens += len(chunk.token_ids)
        return tokens

    began = time.perf_counter()
    counts = await asyncio.gather(*(work() for _ in range(streams)))
    return sum(counts) / (time.perf_counter() - began)


def _masks() -> dict[str, Any]:
    """What xgrammar takes for a large vocabulary, in CPU time: to compile, and for each mask."""
    import xgrammar  # noqa: PLC0415

    tokens = _vocabulary()
    compiler = xgrammar.GrammarCompiler(
        xgrammar.TokenizerInfo([*tokens, "</s>"], stop_token_ids=[len(tokens)]),
        cache_enabled=False,
    )
    rules = continuation(StateTree())
    assert rules is not None
    costs = []
    for _ in range(5):
        began = time.process_time()
        compiled = compiler.compile_grammar(rules)
        costs.append((time.process_time() - began) * 1e3)
    mask = xgrammar.allocate_token_bitmask(1, len(tokens) + 1)
    letters = {token: index for index, token in enumerate(tokens) if len(token) == 1}
    fills = []
    for text in traces(5):
        matcher = xgrammar.GrammarMatcher(compiled)
        for letter in text:
            began = time.thread_time()
            matcher.fill_next_token_bitmask(mask)
            fills.append((time.thread_time() - began) * 1e6)
            assert matcher.accept_token(letters[letter])
    return {
        "vocabulary": VOCABULARY,
        "compile_ms": asdict(spread(costs)),
        "fill_us": asdict(spread(fills)),
        "mean_fill_us": round(sum(fills) / len(fills), 1),
    }


def _vocabulary() -> list[str]:
    """Pieces of one to ten characters of what solutions say, each letter among them."""
    chance, text = random.Random(1), "".join(traces(2_000))
    found = dict.fromkeys([*map(chr, range(32, 127)), "\n", "\n\n"])
    within = text.replace("\n", " ")
    while len(found) < VOCABULARY - 1:
        start = chance.randrange(len(text))
        # One in a hundred has line ends.
        source = text if chance.random() < 0.01 else within
        piece = source[start : start + chance.randint(2, 10)]
        found[piece + chance.choice(("", "", " ", chance.choice("abcdefgh")))] = None
    return list(found)


if __name__ == "__main__":
    main()
