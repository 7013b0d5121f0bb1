r"""One path, steered by the verifier: what it refutes is not built upon.

    State 3  Solve Subquestion  m = 48 / 2 = 26                          refuted: generation stops
    State 4  Verify             State 3 says 48 / 2 = 26, but 48 / 2 = 24.   by the verifier
    State 5  Backtrack          Backtrack to State 2.                        by the verifier
    State 6  Solve Subquestion  m = 48 / 2 = 24                          the model goes on

The wording is that of stage-2 traces (`statespace.repair`), and the dead end stays in the context,
unless `dead_ends` says otherwise: a model can be trained to go on from exactly this. No retry may
write the refuted value again. The first one from a state is as the request says, the second is
sampled, and after that the path goes one state further back, so that no dead end is walked into
twice. When the retries are used up the model is left to finish.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from app.engines.base import Engine, Sampling
from app.strategies.base import Problem, Step
from app.strategies.path import Writing
from statespace import repair, text
from statespace.actions import Action
from statespace.options import GuidedOptions
from statespace.trace import Check, Origin, Transition, Verdict
from statespace.tree import StateTree


async def guided(engine: Engine, problem: Problem) -> AsyncGenerator[Step, None]:
    """Generate; go back from refuted transitions while there are retries left."""
    options = problem.options or GuidedOptions()
    path = Writing(engine, problem)
    retries = _Retries(problem, options)
    while True:
        async with aclosing(path.write(retries.sampling, retries.until)) as readings:
            async for reading in readings:
                yield reading
        if not path.halted:
            break
        newest = path.reader.transitions[-1]
        check = _worded(newest)
        if check is None or retries.used == options.retries:
            if newest.action is Action.SUMMARIZE:
                break
            retries.sampled = False  # the path goes on as the request says
            continue
        retries.ban(check)
        target = retries.failed(newest, path.reader.tree)
        for reading in path.insert(
            _repair(newest, check, target, path.reader.tree), Origin.VERIFIER
        ):
            yield reading
        if path.exceeded:
            break
        if retries.drops:  # to where the Backtrack has led, whatever numbers the model reuses
            path.rewind(path.reader.tree.tip)
    yield path.ended()


@dataclass(slots=True)
class _Retries:
    """How often which state was gone back to, and how the next one is sampled."""

    problem: Problem
    options: GuidedOptions
    used: int = 0
    failures: Counter[int] = field(default_factory=Counter)
    sampled: bool = False
    banned: dict[str, None] = field(default_factory=dict)
    """What no retry may say again, in the order in which it was said."""

    @property
    def sampling(self) -> Sampling:
        """As the request says, but for the state after a second failure."""
        asked = replace(self.problem.sampling, banned=tuple(self.banned))
        if not self.sampled:
            return asked
        seed = None if asked.seed is None else (asked.seed + self.used) % 2**63
        temperature = max(asked.temperature, self.options.temperature)
        return replace(asked, temperature=temperature, seed=seed)

    @property
    def drops(self) -> bool:
        """Whether the model no longer reads the dead ends behind the state that it is back at."""
        kept = self.options.dead_ends
        return kept == "drop" or (kept == "once" and self.sampled)

    def until(self, transition: Transition) -> bool:
        """Whether to stop after a transition: it is wrong, or the only one to be sampled."""
        return self.sampled or (
            self.used < self.options.retries and _worded(transition) is not None
        )

    def ban(self, check: Check) -> None:
        """The same wrong value is not to be written again from the same left side."""
        self.banned |= dict.fromkeys(repair.missteps(check))

    def failed(self, wrong: Transition, tree: StateTree) -> int:
        """Count a dead end; returns the state to go back to.

        A user's states, and what they stand on, are not gone back from.
        """
        self.used += 1
        floor = self.problem.given[-1].id if self.problem.given else 0
        target = wrong.parent
        self.failures[target] += 1
        while target != floor and (
            self.failures[target] > 2 or tree.named(_number(target, tree), wrong.id) != target
        ):
            target = tree.node(target).parent
            self.failures[target] += 1
        self.sampled = self.failures[target] > 1
        return target


def _worded(transition: Transition) -> Check | None:
    """A refuted check that can be said in words; None if there is nothing to go back from."""
    if transition.verdict is not Verdict.REFUTED or transition.action is Action.BACKTRACK:
        return None
    for check in transition.checks:
        if check.verdict is Verdict.REFUTED and repair.is_worded(check):
            return check
    return None


def _repair(wrong: Transition, check: Check, target: int, tree: StateTree) -> str:
    """The two states that the verifier writes after `wrong`.

    Their numbers are new on the path, so that the Backtrack can mean neither of them.
    """
    number = wrong.number or wrong.id
    first = 1 + max(number, *(node.number or 0 for node in tree.ancestors(wrong.id)))
    written = text.render(
        [
            (Action.VERIFY, repair.verify_text(number, check)),
            (Action.BACKTRACK, repair.backtrack_text(_number(target, tree))),
        ],
        first=first,
    )
    return written + text.SEPARATOR


def _number(state: int, tree: StateTree) -> int:
    """What `state` is called in the text."""
    return tree.node(state).number or 0 if state else 0
