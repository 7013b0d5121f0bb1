"""The fenced blocks of README and docs/, each with the mark that says how it is tested.

A mark is a comment right before the fence, which readers do not see:

    <!-- test: skip needs a GPU -->    not run; commands of ours in it must still exist
    <!-- test: parse -->               commands and options must exist; not run
    <!-- test: fails 1 -->             run; it must end with this exit code

Without a mark a block of bash or Python is run and must succeed, and JSON must be JSON. Blocks of a
page run in their order, in one folder, beside a server that replays recordings. A block that names
no language is bash if its first word is a command, else it shows an output.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COMMANDS: Final = {
    "accelerate",
    "cat",
    "curl",
    "docker",
    "export",
    "git",
    "kubectl",
    "lm_eval",
    "make",
    "mkdir",
    "npm",
    "pip",
    "python",
    "statewise",
    "vllm",
}
SHELLS: Final = {"bash", "console", "sh", "shell"}
_FENCE: Final = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)[^`]*$")
_MARK: Final = re.compile(r"^ *<!-- test: (?P<mark>.*?) -->$")


@dataclass(frozen=True)
class Snippet:
    """One block of a page."""

    page: str
    line: int
    language: str
    text: str
    mark: str

    @property
    def where(self) -> str:
        """Where it stands."""
        return f"{self.page}:{self.line}"

    @property
    def kind(self) -> str:
        """`bash`, `python`, `json`, or "" for what is only shown."""
        if self.language in SHELLS:
            return "bash"
        if not self.language:
            words = self.text.split(maxsplit=1)
            return "bash" if words and Path(words[0]).name in COMMANDS else ""
        return self.language if self.language in {"python", "json"} else ""


def snippets(path: Path, name: str) -> Iterator[Snippet]:
    """The blocks of a page. Raises `ValueError` for a block without an end."""
    lines = path.read_text("utf-8").splitlines()
    position = 0
    while position < len(lines):
        found = _FENCE.match(lines[position])
        if not found:
            position += 1
            continue
        end = position + 1
        while end < len(lines) and lines[end].strip() != "```":
            end += 1
        if end == len(lines):
            raise ValueError(f"{name}:{position + 1}: the block has no end")
        mark = _MARK.match(lines[position - 1]) if position else None
        indent = len(found["indent"])
        text = "\n".join(line[indent:] for line in lines[position + 1 : end])
        yield Snippet(
            name, position + 1, found["language"], text + "\n", mark["mark"] if mark else ""
        )
        position = end + 1


def is_run(snippet: Snippet) -> bool:
    """Whether the block is run, not only looked at."""
    return snippet.kind in {"bash", "python"} and not snippet.mark.startswith(("skip", "parse"))


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a piece of bash, each as its words; of heredocs and variables nothing."""
    text = re.sub(r"<<'?(\w+)'?(.*?)\n.*?^\1$", r"\2", text, flags=re.DOTALL | re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set(";&|()"):
                yield from _command(words)
                words = []
            else:
                words.append(word)


def _command(words: list[str]) -> Iterator[list[str]]:
    while words and re.match(r"^\w+=", words[0]):
        words = words[1:]
    if words:
        yield words
