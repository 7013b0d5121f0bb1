"""What becomes of a solution whose process or engine has ended before it.

It goes on from the transitions that stand, is begun anew, or ends as interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from app.solving.sinks import NativeSink
from app.store.solutions import Kept
from statespace.actions import Action
from statespace.solutions import Failure, Solution, SolutionRequest, Status
from statespace.trace import Transition

MAX_ATTEMPTS: Final = 3
"""How often a solution is begun whose servers or engines die: it may be what kills them."""


def may_go_on(kept: Kept) -> bool:
    """Whether a solution that was let go of is to be made here.

    The first attempt is still the first if its server has let go of it in good order.
    """
    if kept.cancel_requested or kept.attempt > MAX_ATTEMPTS:
        return False
    return kept.attempt == 1 or kept.retry


def standing(request: SolutionRequest, transitions: Sequence[Transition]) -> tuple[Transition, ...]:
    """The transitions that a solution goes on from; none if it must be begun anew.

    A path is all that it says. A strategy that steers, or has several, knows more than was told;
    and what is drawn with a seed is the same again only from the beginning.
    """
    seeded = request.temperature > 0 and request.seed is not None
    if request.strategy != "single" or seeded or not transitions:
        return ()
    if transitions[-1].action is Action.SUMMARIZE:
        return ()
    return tuple(transitions)


def used(transitions: Sequence[Transition]) -> int:
    """Tokens that these transitions have cost."""
    return sum(transition.tokens for transition in transitions)


def interrupt(sink: NativeSink, kept: Kept, solution: Solution) -> None:
    """The end of what nobody goes on with."""
    status = Status.CANCELLED if kept.cancel_requested else Status.FAILED
    error = Failure(
        message="the server that made it has died; ask again, or with retry",
        type="server_error",
        code="interrupted",
    )
    sink.ended(
        solution.model_copy(
            update={
                "status": status,
                "error": error if status == Status.FAILED else None,
                "completed_at": time.time(),
            }
        )
    )
