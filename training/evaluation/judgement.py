"""One solution, judged: is it right, is it well-formed, what did it cost, what did it correct."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from statespace.answers import extract
from statespace.reader import TraceReader
from statespace.solutions import IncompleteReason, Path, Solution, Status, Usage
from statespace.trace import Frozen, Verdict
from training.evaluation.corrections import Heading, heading
from training.evaluation.equality import matches
from training.evaluation.reviews import Reviews, review
from training.problems.problem import Problem

PLAIN: Final = "plain"


class Judgement(Frozen):
    """What was found about one sample of one problem; what a report is made from."""

    problem: Annotated[str, Field(description="The problem's id.")]
    sample: Annotated[int, Field(ge=0)] = 0
    operations: Annotated[int, Field(description="As the source says; 0 if it doesn't.")] = 0
    gold: str
    answer: Annotated[str | None, Field(description="What the solution states.")] = None
    right: Annotated[bool, Field(description="Completed, and its answer is the gold one.")] = False
    ended: Annotated[str, Field(description="completed, plain, or why there is no answer.")] = ""
    failed: Annotated[
        str | None, Field(description="Why the server gave no solution; nothing below counts.")
    ] = None
    resolved: Annotated[bool, Field(description="A Summarize states an answer.")] = False
    legal: Annotated[bool, Field(description="It has states and all are legal.")] = False
    transitions: int = 0
    illegal: int = 0
    refuted: Annotated[int, Field(description="Transitions that arithmetic refutes.")] = 0
    refuted_on_path: Annotated[int, Field(description="Those that the final path holds.")] = 0
    before: Annotated[
        Heading | None, Field(description="See `corrections`; null without a Backtrack.")
    ] = None
    reviews: Reviews = Reviews()
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds: Annotated[float, Field(description="From request to end, by the server.")] = 0.0


def judge(
    solution: Solution, problem: Problem, *, sample: int = 0, tolerance: float | None = None
) -> Judgement:
    """Judge a solution; `tolerance` is relative to the gold answer, by default the problem's own.

    A plain answer, without states, can be right; it is neither resolved nor legal. An answer that a
    limit cut off is wrong. Raises EvaluationError where math-verify is needed and missing.
    """
    within = problem.tolerance if tolerance is None else tolerance
    path = _path(solution)
    lane = [one for one in solution.transitions if path is None or one.path == path.path]
    refuted = {one.id for one in solution.transitions if one.verdict is Verdict.REFUTED}
    illegal = sum(not one.legal for one in solution.transitions)
    completed = solution.status is Status.COMPLETED and solution.answer is not None
    return Judgement(
        problem=problem.id,
        sample=sample,
        operations=problem.operations,
        gold=problem.answer,
        answer=solution.answer,
        right=completed and matches(solution.answer or "", problem.answer, within),
        ended=_ended(solution),
        resolved=path is not None and path.resolved,
        legal=bool(solution.transitions) and not illegal,
        transitions=len(solution.transitions),
        illegal=illegal,
        refuted=len(refuted),
        refuted_on_path=len(refuted.intersection(path.states if path else ())),
        before=heading(lane, problem, within),
        reviews=review(lane, problem),
        prompt_tokens=solution.usage.prompt_tokens,
        cached_tokens=solution.usage.cached_tokens,
        completion_tokens=solution.usage.completion_tokens,
        seconds=max(0.0, (solution.completed_at or solution.created_at) - solution.created_at),
    )


def judge_text(  # noqa: PLR0913
    text: str,
    problem: Problem,
    *,
    sample: int = 0,
    tolerance: float | None = None,
    finished: bool = True,
    usage: Usage | None = None,
    seconds: float = 0.0,
) -> Judgement:
    """Judge generated text, as serving would have read it.

    `finished` is False if the text ends because a limit on tokens was reached: an answer outside a
    box may then lack digits.
    """
    solution = read_solution(text, problem.question, finished=finished, usage=usage or Usage())
    timed = solution.model_copy(update={"completed_at": seconds})
    return judge(timed, problem, sample=sample, tolerance=tolerance)


def failure(problem: Problem, sample: int, reason: str) -> Judgement:
    """What stands for a sample to which the server gave no solution."""
    return Judgement(
        problem=problem.id,
        sample=sample,
        operations=problem.operations,
        gold=problem.answer,
        ended="failed",
        failed=reason,
    )


def read_solution(text: str, question: str, *, finished: bool, usage: Usage) -> Solution:
    """Text as a solution of one path, its tokens divided among the transitions."""
    reader = TraceReader()
    reader.feed(text, tokens=usage.completion_tokens)
    reader.close()
    plain = reader.preamble if not reader.transitions and reader.preamble else None
    answer = extract(plain) if plain else reader.answer
    boxed = reader.answer is not None and "}" in reader.transitions[-1].output
    reason = None
    if not finished and not boxed:
        reason = IncompleteReason.MAX_TOKENS
    elif plain is None and answer is None:
        reason = IncompleteReason.NO_ANSWER
    resolved = reader.answer is not None
    return Solution(
        id="text",
        status=Status.INCOMPLETE if reason else Status.COMPLETED,
        question=question,
        model="text",
        strategy="single",
        answer=answer,
        answer_path=0,
        text=plain,
        transitions=tuple(reader.transitions),
        paths=(Path(path=0, states=reader.chain, answer=answer, resolved=resolved),),
        usage=usage,
        incomplete_reason=reason,
        created_at=0.0,
    )


def _path(solution: Solution) -> Path | None:
    """The path that the answer is from, else the first one."""
    for path in solution.paths:
        if path.path == solution.answer_path:
            return path
    return solution.paths[0] if solution.paths else None


def _ended(solution: Solution) -> str:
    if solution.incomplete_reason is not None:
        return solution.incomplete_reason.value
    return PLAIN if solution.text is not None else solution.status.value
