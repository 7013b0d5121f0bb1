"""What counts as right, and that batching changes no answer."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from statespace.actions import Action
from statespace.prompts import Prompt
from statespace.text import render
from training import base, data, tokenizer
from training.evaluate import Solver, is_right, sets
from training.recipe import Recipe

from .conftest import MINIATURE


def trace(answer: str) -> str:
    """A trace whose last state says `answer`."""
    return render([(Action.SOLVE_PARENT, "3 + 4 = 7"), (Action.SUMMARIZE, answer)])


@pytest.mark.parametrize(
    ("text", "gold", "right"),
    [
        (trace(r"The final answer is \boxed{7}."), "7", True),
        (trace(r"The final answer is \boxed{7.0}."), "7", True),
        (trace(r"The final answer is \boxed{1,234}."), "1234", True),
        (trace(r"The final answer is \boxed{8}."), "7", False),
        (trace(""), "7", False),
        ("State 1:\nAction: Solve Parent\nOutput: The answer is 7", "7", False),
        ("The answer is 7.", "7", False),
        ("", "7", False),
    ],
)
def test_only_a_summarize_that_states_the_number_is_right(
    text: str, gold: str, right: bool
) -> None:
    assert is_right(text, gold) is right


def test_the_sets_are_fixed_disjoint_in_wording_and_by_length(miniature: Recipe) -> None:
    found = dict(sets(miniature))
    assert found == dict(sets(miniature))
    assert len(found) == 4
    for name, problems in found.items():
        assert len(problems) == miniature.evaluation.problems
        assert {problem.split for problem in problems} == {
            "heldout" if "held-out" in name else "seen"
        }
        bounds = range(1, 4) if "1-3" in name else range(4, 7)
        assert all(problem.operations in bounds for problem in problems)


@pytest.fixture(scope="module")
def solver() -> Solver:
    """A model with random weights: its text is noise, but always the same noise."""
    recipe = Recipe.model_validate(MINIATURE)
    vocabulary: Any = tokenizer.train(data.tokenizer_texts(recipe), 420)
    return Solver(base.create(recipe, vocabulary), vocabulary, recipe.evaluation)


def test_batches_answer_like_single_problems(solver: Solver, miniature: Recipe) -> None:
    """Padding on the left must not be seen."""
    problems = sets(miniature)[1][1]
    together = {problem.id: text for problem, text in solver.solve(problems)}
    prompt = Prompt.from_tokenizer(solver.tokenizer)
    for problem in problems:
        ids = torch.tensor([prompt.ids(problem.question)])
        output = solver.model.generate(ids, max_new_tokens=6, do_sample=False)
        text = solver.tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)
        assert together[problem.id] == text
    assert len(together) == len(problems)


def test_every_problem_is_counted(solver: Solver, miniature: Recipe) -> None:
    told: list[int] = []
    name, problems = sets(miniature)[0]
    score = solver.score(name, problems, told.append)
    assert (score.set, score.right, score.total) == (name, 0, 3)
    assert sum(told) == 3
