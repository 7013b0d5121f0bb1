"""A Dockerfile as a list of stages. Knows the instructions that ours use, and refuses others."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

KNOWN: Final = (
    *("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN"),
    *("SHELL", "USER", "WORKDIR"),
)
_VARIABLE: Final = re.compile(r"\$(\w+)|\$\{(\w+)\}")


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continuation lines joined."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The text as a JSON array or as words, quotes taken off."""
        if self.text.startswith("["):
            return [str(word) for word in json.loads(self.text)]
        return shlex.split(self.text)


@dataclass
class Stage:
    """One FROM and what follows it."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, name: str) -> Instruction:
        """The last instruction of that name. Raises `KeyError` if there is none."""
        for instruction in reversed(self.instructions):
            if instruction.name == name:
                return instruction
        raise KeyError(name)


def instructions(path: Path) -> list[Instruction]:
    """The instructions as they are written. Raises `ValueError` for one that is not known."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line]
    for instruction in found:
        if instruction.name not in KNOWN:
            raise ValueError(f"{path.name}: {instruction.name} is not known here")
    return found


def stages(path: Path, arguments: dict[str, str] | None = None) -> list[Stage]:
    """The stages; `arguments` are those of `--build-arg` and may name images of FROM."""
    values = dict(arguments or {})
    found: list[Stage] = []
    for instruction in instructions(path):
        if instruction.name == "FROM":
            base, *alias = fill(instruction.text, values).split()
            found.append(Stage(base, alias[1] if alias else str(len(found))))
        elif found:
            found[-1].instructions.append(instruction)
        elif instruction.name == "ARG":
            name, _, default = instruction.text.partition("=")
            values.setdefault(name, default)
        else:
            raise ValueError(f"{path.name}: {instruction.name} stands before FROM")
    return [settled(stage, values) for stage in found]


def fill(text: str, values: dict[str, str]) -> str:
    """The text with `$NAME` and `${NAME}` replaced; unknown names are nothing."""
    return _VARIABLE.sub(lambda match: values.get(match[1] or match[2], ""), text)


def settled(stage: Stage, arguments: dict[str, str]) -> Stage:
    """The stage with what ARG says put into its COPY instructions."""
    values: dict[str, str] = {}
    result = Stage(stage.base, stage.name)
    for instruction in stage.instructions:
        if instruction.name == "ARG":
            name, _, default = instruction.text.partition("=")
            values[name] = arguments.get(name, default)
        if instruction.name == "COPY":
            instruction = Instruction("COPY", fill(instruction.text, values))  # noqa: PLW2901
        result.instructions.append(instruction)
    return result


def pairs(text: str) -> dict[str, str]:
    """`A=1 B="2 3"` as a dictionary."""
    return dict(word.split("=", 1) for word in shlex.split(text))
