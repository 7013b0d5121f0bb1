"""Rewards: worth what they say, and enough for TRL's GRPO trainer to take steps by."""

from __future__ import annotations

import copy
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from statespace.actions import Action
from statespace.card import Card
from statespace.prompts import Prompt
from statespace.text import render
from training import base, data, grpo, manifest, tokenizer, trainer
from training.commands import train
from training.curriculum.settings import Grpo
from training.errors import RecipeError
from training.problems import jsonl
from training.problems.generator import generate
from training.progress import Report
from training.recipe import Recipe
from training.steps import Steps

from .conftest import MINIATURE

RIGHT = render(
    [
        (Action.SOLVE_SUBQUESTION, "a = 3 + 4 = 7"),
        (Action.SUMMARIZE, r"The final answer is \boxed{7}."),
    ]
)
SLIPPED = RIGHT.replace("3 + 4 = 7", "3 + 4 = 8")
TAKEN_BACK = render(
    [
        (Action.SOLVE_SUBQUESTION, "a = 3 + 4 = 8"),
        (Action.VERIFY, "State 1 says 3 + 4 = 8, but 3 + 4 = 7."),
        (Action.BACKTRACK, "Backtrack to State 0."),
        (Action.SOLVE_SUBQUESTION, "a = 3 + 4 = 7"),
        (Action.SUMMARIZE, r"The final answer is \boxed{7}."),
    ]
)
HASTY = render([(Action.SUMMARIZE, r"The final answer is \boxed{7}.")])
CUT = RIGHT.partition("\n\n")[0]


@pytest.mark.parametrize(
    ("text", "answered", "refuted", "illegal", "unresolved"),
    [
        (RIGHT, 1, 0, 0, 0),
        (RIGHT.replace("boxed{7}", "boxed{7.0}"), 1, 0, 0, 0),
        (RIGHT.replace("boxed{7}", "boxed{8}"), 0, 0, 0, 0),
        (SLIPPED, 1, -1, 0, 0),
        (TAKEN_BACK, 1, 0, 0, 0),
        (HASTY, 1, 0, -1, 0),
        ("Let me see.\n" + RIGHT, 1, 0, -1, 0),
        (CUT, 0, 0, 0, -1),
        ("", 0, 0, 0, -1),
        ("The answer is 7.", 0, 0, -1, -1),
    ],
)
def test_what_a_completion_is_worth(
    text: str, answered: float, refuted: float, illegal: float, unresolved: float
) -> None:
    """A mistake that was taken back costs nothing: else nobody would own up to one."""
    assert grpo.answered([text], gold=["7"]) == [answered]
    assert grpo.refuted([text]) == [refuted]
    assert grpo.illegal([text]) == [illegal]
    assert grpo.unresolved([text]) == [unresolved]


def test_rewards_are_given_in_order() -> None:
    assert grpo.answered([RIGHT, RIGHT, CUT], gold=["7", "8", "7"]) == [1, 0, 0]


@dataclass(frozen=True, slots=True)
class Run:
    seed: int = 7
    compile: bool = False


STAGE = Grpo(prompts=6, group=2, batch=4, max_new_tokens=8, learning_rate=0.01, save_steps=2)


@pytest.fixture(scope="module")
def vocabulary() -> Any:
    return tokenizer.train(data.tokenizer_texts(Recipe.model_validate(MINIATURE)), 420)


def test_a_few_steps_on_a_tiny_model_change_it(
    vocabulary: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise is no trace, so one completion is rewarded here: prompts, groups and steps are real."""
    problems = [generate(3, index, operations=(1, 1)) for index in range(STAGE.prompts)]
    prompt = Prompt.from_tokenizer(vocabulary)
    asked: list[str] = []

    def longest_word(prompts: list[str], completions: list[str], **_: Any) -> list[float]:
        asked.extend(prompts)
        return [float(len(text)) for text in completions]

    monkeypatch.setattr(grpo, "answered", longest_word)
    model = base.create(Recipe.model_validate(MINIATURE), vocabulary)
    before = copy.deepcopy(model.state_dict())
    made = grpo.build(Run(), STAGE, model, vocabulary, grpo.rows(problems), tmp_path)
    ids, _, _ = made._tokenize_prompts([problem.question for problem in problems])
    assert ids == [prompt.ids(problem.question) for problem in problems]
    stage: Any = STAGE
    with open(os.devnull, "w") as nowhere, Report(Console(file=nowhere)) as report:
        record = trainer.fit(made, stage, Steps(report, "rewards"))
    assert record["steps"] == 3
    assert sorted(set(asked)) == sorted(problem.question for problem in problems)
    assert len(asked) == STAGE.prompts * STAGE.group
    assert any(not torch.equal(before[name], now) for name, now in model.state_dict().items())
    logged = record["log"][-1]
    for name in ("longest_word", "refuted", "illegal", "unresolved"):
        assert f"rewards/{name}/mean" in logged
    assert logged["rewards/unresolved/mean"] == -1


def test_the_command_trains_a_checkpoint_and_does_so_once(vocabulary: Any, tmp_path: Path) -> None:
    """The folder it writes is a checkpoint of its own: weights, tokenizer and card."""
    start, output = tmp_path / "start", tmp_path / "output"
    base.create(Recipe.model_validate(MINIATURE), vocabulary).save_pretrained(start)
    vocabulary.save_pretrained(start)
    jsonl.write(tmp_path / "problems.jsonl", [generate(3, 0), generate(3, 1)])
    options = {
        "model": start,
        "problems": tmp_path / "problems.jsonl",
        "output": output,
        "prompts": 4,
        "group": 2,
        "batch": 4,
        "max-tokens": 4,
    }
    asked = ["grpo", *(str(word) for key, value in options.items() for word in (f"--{key}", value))]
    first = CliRunner().invoke(train, asked)
    assert first.exit_code == 0, first.output
    made = manifest.read(output / "manifest.json")
    assert made["steps"] == 2
    assert Card.load(output).stage == "advanced"
    weights = (output / "model.safetensors").read_bytes()
    assert "finished before" in CliRunner().invoke(train, asked).output
    assert (output / "model.safetensors").read_bytes() == weights
    other = CliRunner().invoke(train, [*asked, "--seed", "9"])
    assert other.exit_code == 1
    assert "another" in other.output


def test_no_engine_is_imported() -> None:
    """TRL imports vLLM wherever it is installed, which takes seconds and memory."""
    assert not hasattr(sys.modules["trl.generation"], "VLLMGeneration")


def test_groups_must_be_whole(vocabulary: Any, tmp_path: Path) -> None:
    stage = STAGE.model_copy(update={"batch": 5})
    questions = grpo.rows([generate(3, 0)])
    with pytest.raises(RecipeError, match="multiple"):
        grpo.build(Run(), stage, None, vocabulary, questions, tmp_path)
