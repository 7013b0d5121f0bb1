"""The process that compares formulas: JSON pairs in, one JSON boolean a line out.

Run by its path, isolated: it imports nothing of ours. Its parent kills it when it takes too long;
memory it limits itself, so that no formula can take the machine's.
"""

from __future__ import annotations

import json
import os
import resource
import sys

MEMORY = 2 << 30
"""Bytes of address space."""


def main() -> None:
    """Say `ready`, then answer pairs (gold, answer) until standard input ends."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # whatever a library prints is no reply
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from math_verify import parse, verify  # noqa: PLC0415

    # Its own time-outs are off: they need signals, and do not interrupt what hangs in C.
    def read(text: str) -> list[object]:
        return list(parse(f"\\boxed{{{text}}}", parsing_timeout=None))

    print("ready", file=replies, flush=True)
    for line in sys.stdin:
        gold, answer = json.loads(line)
        try:
            found = bool(verify(read(gold), read(answer), timeout_seconds=None))
        except (Exception, MemoryError, RecursionError):  # a formula no one can read is not equal
            found = False
        print(json.dumps(found), file=replies, flush=True)


if __name__ == "__main__":
    main()
