"""What the pure part of a stream costs: parser, verifier and reader, in CPU time per character.

    python -m benchmarks.reading

Generated traces are fed in chunks, as an engine delivers them. Each figure is the spread over the
repeats of the process's own CPU time. The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Final

from benchmarks import machine
from benchmarks.pairs import Spread, spread
from benchmarks.problems import traces
from statespace.parser import TransitionParser, parse
from statespace.reader import TraceReader
from statespace.verifier import Scope, verify_output

CHUNKS: Final = (4, 16, 32, 64)
"""Characters that arrive at a time: about one token, four, nine, eighteen."""
CHARACTERS_PER_TOKEN: Final = 3.54
"""Of these traces with the starter's tokenizer."""


def main() -> None:
    """Measure, print a table and the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--traces", type=int, default=256)
    options.add_argument("--repeats", type=int, default=7)
    chosen = options.parse_args()
    texts = traces(chosen.traces)
    characters = sum(map(len, texts))
    found = {
        name: spread(_costs(task, characters, chosen.repeats))
        for name, task in _tasks(texts).items()
    }
    print(f"{len(texts)} traces, {characters} characters, CPU time per character")
    for name, cost in found.items():
        print(f"  {name:26} {cost.median:6.3f} µs  ({cost.min:.3f}-{cost.max:.3f})")
    print(json.dumps(_result(found, len(texts), characters), ensure_ascii=False))


def _tasks(texts: Sequence[str]) -> dict[str, Callable[[], None]]:
    """What is measured, by name; each goes through all `texts` once."""
    outputs = [[state.output for state in parse(text).states] for text in texts]
    tasks: dict[str, Callable[[], None]] = {"verifier": partial(_verify, outputs)}
    for size in CHUNKS:
        cut = [[text[at : at + size] for at in range(0, len(text), size)] for text in texts]
        tasks[f"parser, chunks of {size}"] = partial(_parse, cut)
        tasks[f"reader, chunks of {size}"] = partial(_read, cut)
    return tasks


def _parse(texts: Sequence[Sequence[str]]) -> None:
    for chunks in texts:
        parser = TransitionParser()
        for chunk in chunks:
            parser.feed(chunk)
        parser.close()


def _read(texts: Sequence[Sequence[str]]) -> None:
    """Parse, place and verify: all that happens to text before it becomes events."""
    for chunks in texts:
        reader = TraceReader()
        for chunk in chunks:
            reader.feed(chunk, tokens=1)
        reader.close()


def _verify(texts: Sequence[Sequence[str]]) -> None:
    for outputs in texts:
        scope = Scope.EMPTY
        for output in outputs:
            scope = verify_output(output, scope).scope


def _costs(task: Callable[[], None], characters: int, repeats: int) -> list[float]:
    """Microseconds per character, once for each repeat after one that is not counted."""
    task()
    costs = []
    for _ in range(repeats):
        gc.collect()
        began = time.process_time()
        task()
        costs.append((time.process_time() - began) / characters * 1e6)
    return costs


def _result(found: dict[str, Spread], texts: int, characters: int) -> dict[str, object]:
    return {
        "benchmark": "reading",
        "machine": machine.describe(),
        "traces": texts,
        "characters": characters,
        "us_per_character": {name: asdict(cost) for name, cost in found.items()},
        "us_per_token": {
            name: round(cost.median * CHARACTERS_PER_TOKEN, 4) for name, cost in found.items()
        },
    }


if __name__ == "__main__":
    main()
