"""What the experiment concludes from results: figures, comparisons, and words for any outcome."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, strategies as st

from statespace import answers
from statespace.actions import Action
from statespace.reader import read
from statespace.trace import Verdict
from training import statistics
from training.errors import DataError
from training.evaluation.judgement import judge_text
from training.evaluation.report import summarize
from training.experiment import problems, summary, texts
from training.experiment.chains import chain
from training.experiment.plot import plot
from training.experiment.results import ARMS, Outcome, Result, greedy
from training.experiment.settings import Experiment
from training.experiment.summary import ALL, GREEDY, VOTED, Summary, answer, summarized
from training.experiment.table import markdown
from training.recipe import load_as

VOTES = 8
COUNT = 100
TOKENS = {"plain": 40, "traces": 120, "trajectory": 150, "step": 130}


def outcome(chances: dict[str, float], *, seeds: int = 3, same: bool = False) -> Summary:
    """A summary of made-up results; `chances` of a right answer by arm, and by "voted"."""
    found = summarized(
        [
            _result(arm, seed, chances, same=same)
            for seed, arm in itertools.product(range(seeds), ARMS)
        ],
        VOTES,
    )
    assert found is not None
    return found


def _result(arm: Any, seed: int, chances: dict[str, float], *, same: bool) -> Result:
    def tested(way: str, cost: int) -> dict[str, Outcome]:
        rng = Random(f"{seed}/{'' if same else way}")
        report = summarize([]).model_dump(mode="json")
        report["corrections"]["wrong_to_right"] = 2
        report["corrections"]["unknown_to_wrong"] = 1
        report["verify"]["verifies"] = 5
        return {
            name: Outcome(
                problems=f"sha256:{name}",
                right="".join("01"[rng.random() < chances[way]] for _ in range(COUNT)),
                tokens=(cost,) * COUNT,
                report=report,
                mistakes={"none": 60, "number": 40},
            )
            for name in problems.SETS
        }

    return Result(
        arm=arm,
        seed=seed,
        plan="sha256:p",
        trained={},
        answered_by="server",
        greedy=tested(arm, TOKENS[arm]),
        majority=tested("voted", VOTES * TOKENS["plain"]) if arm == "plain" else None,
    )


WORSE = {"plain": 0.7, "voted": 0.75, "traces": 0.5, "trajectory": 0.45, "step": 0.4}
BETTER = {"plain": 0.4, "voted": 0.45, "traces": 0.7, "trajectory": 0.7, "step": 0.2}
UNCLEAR = {"plain": 0.5, "voted": 0.5, "traces": 0.5, "trajectory": 0.5, "step": 0.5}


def test_a_reasoner_that_loses_is_said_to_lose() -> None:
    found = outcome(WORSE)
    told = answer(found)
    assert told.startswith("No: at one sample no state-transition reasoner here matches")
    assert told.count("worse") == 3
    assert "-" in told
    assert "0.38 times the tokens" in told
    page = markdown(found)
    assert page.startswith(told)
    assert "| (b) stage 1 | 60.0 | 0.0 | 0.0 | 40.0 | 0.0 | 0.0 |" in page
    assert page.count("| worse |") >= 6


def test_one_that_wins_is_said_to_win_and_the_others_as_they_are() -> None:
    told = answer(outcome(BETTER))
    assert told.startswith("At one sample a state-transition reasoner matches")
    assert (told.count("better"), told.count("worse")) == (2, 1)


def test_what_is_not_shown_is_not_claimed() -> None:
    found = outcome(UNCLEAR, seeds=1)
    assert answer(found).startswith("It is not shown")
    assert answer(found).count("no difference shown") >= 1


def test_the_same_answers_are_the_same() -> None:
    told = answer(outcome(UNCLEAR, same=True))
    assert told.startswith("At one sample a state-transition reasoner matches")
    assert told.count("the same") == 3


def test_arms_that_learnt_nothing_show_nothing() -> None:
    told = answer(outcome(dict.fromkeys(WORSE, 0.0)))
    assert told.startswith("Nothing can be said")


def test_figures_are_means_over_seeds_with_intervals_over_problems() -> None:
    found = outcome(WORSE)
    figure = found.figures[GREEDY["traces"]][ALL]
    assert figure.accuracy.total == 4 * COUNT  # not times three: seeds add no problems
    assert figure.accuracy.value == pytest.approx(sum(figure.seeds.values()) / 3)
    assert figure.spread == pytest.approx(statistics.spread(list(figure.seeds.values())))
    assert found.figures[VOTED.format(votes=VOTES)][problems.SEEN].tokens == 320
    correcting = found.corrections[GREEDY["step"]][ALL]
    assert (correcting.answers, correcting.wrong_to_right) == (3 * 4 * COUNT, 3 * 4 * 2)
    assert (correcting.backtracked, correcting.unknown) == (3 * 4 * 3, 3 * 4)


def test_seeds_without_all_arms_wait(tmp_path: Path) -> None:
    whole = [_result(arm, 1, WORSE, same=False) for arm in ARMS]
    part = [_result(arm, 2, WORSE, same=False) for arm in ARMS[:3]]
    found = summarized([*whole, *part], VOTES)
    assert found is not None
    assert found.seeds == (1,)
    assert summarized(part, VOTES) is None
    plot(tmp_path / "plot.png", found)
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_answers_to_different_problems_are_not_compared() -> None:
    found = [_result(arm, 1, WORSE, same=False) for arm in ARMS]
    other = found[1].greedy | {
        problems.SEEN: found[1].greedy[problems.SEEN].model_copy(update={"problems": "sha256:x"})
    }
    with pytest.raises(DataError, match="different problems"):
        summarized([found[0], found[1].model_copy(update={"greedy": other}), *found[2:]], VOTES)


def test_mcnemar_is_the_exact_test() -> None:
    """Against binomial probabilities worked by hand."""
    assert statistics.mcnemar(0, 0) == 1
    assert statistics.mcnemar(5, 0) == 2 / 2**5
    assert statistics.mcnemar(1, 7) == pytest.approx(2 * (1 + 8) / 2**8)
    assert statistics.mcnemar(6, 6) == 1


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_a_comparison_turned_round_says_the_opposite(pairs: list[tuple[bool, bool]]) -> None:
    ours, theirs = [[a for a, _ in pairs]], [[b for _, b in pairs]]
    there, back = statistics.paired(ours, theirs), statistics.paired(theirs, ours)
    assert there.difference == -back.difference
    assert (there.only_ours, there.only_theirs) == (back.only_theirs, back.only_ours)
    assert there.mcnemar == back.mcnemar
    assert there.low <= there.difference <= there.high or len(pairs) < 4


def test_other_numbers_of_problems_are_refused() -> None:
    with pytest.raises(ValueError, match="same problems"):
        statistics.paired([[True]], [[True, False]])


def test_verdicts_follow_the_interval() -> None:
    def told(low: float, high: float) -> str:
        known = {"difference": 0.0, "only_ours": 0, "only_theirs": 0, "mcnemar": 1.0}
        return summary.verdict(statistics.Paired(low=low, high=high, **known))

    assert told(0.001, 0.2) == "better"
    assert told(-0.2, -0.001) == "worse"
    assert told(-0.02, 0.02) == "the same"
    assert told(-0.05, 0.01) == "no difference shown"


@pytest.fixture(scope="module")
def recipe(repository: Path) -> Experiment:
    """The recipe that ships, with fewer problems."""
    return load_as(
        Experiment,
        repository / "training" / "recipes" / "evidence.yaml",
        ["problems.pool=300", "evaluation.problems=25"],
    )


def test_sets_are_what_their_names_say_and_nobody_learns_from_them(recipe: Experiment) -> None:
    sets = problems.sets(recipe)
    tested = frozenset(one.question for found in sets.values() for one in found)
    pool = problems.pool(recipe, tested)
    assert len(pool) == 300
    assert len(tested) == 4 * 25
    assert tested.isdisjoint(one.question for one in pool)
    bounds = recipe.problems
    kinds = set(bounds.relations)
    for one in itertools.chain(pool, *sets.values()):
        assert kinds.issuperset(one.relations)
    for one in (*pool, *sets[problems.SEEN], *sets[problems.HELDOUT]):
        assert one.operations in recipe.problems.operations
        assert problems.largest(one) <= bounds.largest
    assert {one.split for one in pool} == {"seen"}
    assert {one.split for one in sets[problems.HELDOUT]} == {"heldout"}
    assert {one.operations for one in sets[problems.LONGER]} == {3}
    larger = [problems.largest(one) for one in sets[problems.LARGER]]
    assert all(bounds.largest < one <= bounds.larger for one in larger)


def test_chains_of_thought_are_true_and_judged_as_traces_are(recipe: Experiment) -> None:
    """Every equation holds, and every number that a trace works out is in the chain."""
    for problem in itertools.chain(*problems.sets(recipe).values()):
        text = chain(problem)
        judged = judge_text(text, problem)
        assert judged.right, text
        assert judged.ended == "plain"
        assert not judged.transitions
        for equation in text.removesuffix(".").split(". ")[:-1]:
            sides = equation.partition(": ")[2].split(" = ")
            values = {answers.number(str(_value(side))) for side in sides}
            assert len(values) == 1, equation
        trace = read(texts.trace(problem), problem.question)
        assert all(one.verdict is not Verdict.REFUTED for one in trace.transitions)
        for one in trace.transitions:
            if one.action is Action.SOLVE_SUBQUESTION:
                assert one.output.split(" = ", 2)[2] in text, (one.output, text)


def test_arithmetic_is_true_and_within_bounds(recipe: Experiment) -> None:
    rng = Random(3)
    seen = set()
    for _ in range(300):
        line = texts.arithmetic(rng, recipe.problems)
        sides = line.split(" = ")
        assert len(sides) > 1
        assert len({_value(side) for side in sides}) == 1, line
        seen.add(line.split()[1])
        assert max(int(term) for term in line.split() if term.isdigit()) <= recipe.problems.larger
    assert seen == {"+", "-", "*", "/"}


def _value(side: str) -> Any:
    from fractions import Fraction  # noqa: PLC0415

    assert set(side) <= set("0123456789.+-*/() "), side
    number = "".join(f"Fraction('{t}')" if t[0].isdigit() else t for t in _tokens(side))
    return eval(number, {"Fraction": Fraction})


def _tokens(side: str) -> list[str]:
    return side.replace("(", "( ").replace(")", " )").split()


def test_a_failed_answer_counts_as_wrong(recipe: Experiment) -> None:
    from training.evaluation.judgement import failure  # noqa: PLC0415
    from training.experiment.answers import Answer  # noqa: PLC0415

    (problem, *_) = problems.sets(recipe)[problems.SEEN]
    tested = greedy([Answer(problem, 0, "", failure(problem, 0, "gone"))])
    assert (tested.right, tested.tokens) == ("0", (0,))
    assert tested.report["accuracy"]["total"] == 1
