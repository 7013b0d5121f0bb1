"""Requests and solutions: what a client sends to have a problem solved, and what it gets back."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from statespace.options import SEVERAL, BeamOptions, GuidedOptions, VoteOptions
from statespace.trace import Frozen, Transition

MAX_QUESTION: Final = 32_768
"""Characters of a question; the model's context is the tighter limit."""
MAX_OUTPUT: Final = 8_192
"""Characters that a user may write into a state."""
MAX_TOKENS: Final = 131_072
MAX_METADATA: Final = 16

MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=MAX_METADATA)]
Number = Annotated[float, Field(allow_inf_nan=False)]


WrittenOutput = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_OUTPUT, pattern=r"\S")
]


class Manner(BaseModel):
    """How something is to be solved. Unknown fields are errors; types are not coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    strategy: Annotated[
        str,
        Field(
            max_length=64,
            description="How to solve it: `single`, `guided`, `vote` or `beam`; `vote-16` and "
            "`beam-4` say how many.",
            examples=["vote-8"],
        ),
    ] = "single"
    guided: Annotated[GuidedOptions | None, Field(description="Of the strategy `guided`.")] = None
    vote: Annotated[VoteOptions | None, Field(description="Of the strategy `vote`.")] = None
    beam: Annotated[BeamOptions | None, Field(description="Of the strategy `beam`.")] = None
    max_tokens: Annotated[
        int | None, Field(ge=1, le=MAX_TOKENS, description="Limit on generated tokens.")
    ] = None
    max_transitions: Annotated[int, Field(ge=1, le=1000)] = 64
    temperature: Annotated[Number, Field(ge=0, le=2)] = 0.0
    top_p: Annotated[Number, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int | None, Field(ge=0, lt=2**63)] = None
    timeout_s: Annotated[
        Number | None, Field(gt=0, le=86_400, description="Deadline; what was solved is returned.")
    ] = None
    stream: Annotated[bool, Field(description="Answer with server-sent events.")] = False
    deltas: Annotated[bool, Field(description="Also stream outputs while they grow.")] = False
    background: Annotated[bool, Field(description="Go on when the client goes away.")] = False
    store: Annotated[bool, Field(description="Keep the solution after its end.")] = True
    retry: Annotated[
        bool,
        Field(description="With `background`: begin anew if the server that makes it dies."),
    ] = False
    metadata: Metadata = {}


class SolutionRequest(Manner):
    """A problem to be solved."""

    question: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_QUESTION, pattern=r"\S"),
        Field(description="The problem, in plain words.", examples=["What is 48 / 2 + 48?"]),
    ]
    model: Annotated[
        str | None, Field(max_length=256, description="A name from /v1/models; default: the first.")
    ] = None
    plain: Annotated[
        bool,
        Field(description="Answer as text: without the instructions of a server in prompted mode."),
    ] = False


class ForkRequest(Manner):
    """A solution to be gone on with from one of its states, as it is or put right.

    What is not said here is as in a new request, not as in the solution that is forked.
    """

    state: Annotated[
        int, Field(ge=0, lt=2**31, description="The state to go on from; 0 is the question.")
    ]
    output: Annotated[
        WrittenOutput | None, Field(description="What that state is to say instead.")
    ] = None


class Status(StrEnum):
    """Where a solution stands."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class IncompleteReason(StrEnum):
    """Why a solution ended without an answer."""

    NO_ANSWER = "no_answer"
    MAX_TOKENS = "max_tokens"
    MAX_TRANSITIONS = "max_transitions"
    DEADLINE = "deadline"
    REPETITION = "repetition"
    SHUTDOWN = "shutdown"


class Usage(Frozen):
    """Tokens that a solution cost."""

    prompt_tokens: int = 0
    first_prompt_tokens: Annotated[
        int,
        Field(
            description="Of the first generation; `prompt_tokens` counts what each one has read."
        ),
    ] = 0
    cached_tokens: Annotated[int, Field(description="Prompt tokens found in the prefix cache.")] = 0
    completion_tokens: int = 0
    discarded_tokens: Annotated[
        int, Field(description="Generated tokens that no transition holds, e.g. after a stop.")
    ] = 0


class Verification(Frozen):
    """How many transitions got which verdict."""

    verified: int = 0
    refuted: int = 0
    unchecked: int = 0


class Path(Frozen):
    """One line of reasoning: the states from the question to its newest state."""

    path: int
    states: tuple[int, ...]
    answer: str | None = None
    resolved: bool = False
    weight: Annotated[
        float | None, Field(description="What it counts in a vote; its score in a beam.")
    ] = None


class Grounding(Frozen):
    """Numbers in which an answer and its question differ: signs of a misread problem."""

    unsaid: Annotated[
        tuple[str, ...],
        Field(
            description="Numbers that a Formalize takes for given more often than the question "
            "says them."
        ),
    ] = ()
    unused: Annotated[
        tuple[str, ...],
        Field(description="Numerals of the question that no state behind the answer has."),
    ] = ()


class Failure(Frozen):
    """Why a solution failed, as in an OpenAI error object."""

    message: str
    type: str
    code: str | None = None


class Source(Frozen):
    """The solution and state that a fork grew from."""

    solution_id: str
    state: int


class Solution(Frozen):
    """A solution as it stands."""

    id: str
    object: Literal["solution"] = "solution"
    status: Status
    question: str
    model: str
    strategy: str
    answer: str | None = None
    answer_path: Annotated[int | None, Field(description="The path whose answer it is.")] = None
    text: Annotated[str | None, Field(description="A plain answer, written without states.")] = None
    transitions: tuple[Transition, ...] = ()
    paths: tuple[Path, ...] = ()
    usage: Usage = Usage()
    verification: Verification = Verification()
    grounding: Annotated[
        Grounding | None,
        Field(description="Of the answer; null where there is none, or nothing was formalized."),
    ] = None
    incomplete_reason: IncompleteReason | None = None
    error: Failure | None = None
    created_at: Annotated[float, Field(description="Unix time, seconds.")]
    completed_at: float | None = None
    metadata: Metadata = Field(default_factory=dict)
    source: Source | None = None

    @property
    def has_several(self) -> bool:
        """Whether the transitions of several paths may come between each other."""
        return self.strategy.partition("-")[0] in SEVERAL

    @property
    def behind(self) -> tuple[Transition, ...]:
        """The transitions that the answer rests on; none if there is no answer."""
        states = self.answer_states
        return tuple(each for each in self.transitions if each.id in states)

    @property
    def answer_states(self) -> tuple[int, ...]:
        """The states that the answer rests on; none if there is no answer."""
        if self.answer is None:
            return ()
        for path in self.paths:
            # What was kept before there were several paths does not say whose answer it is.
            if path.path == self.answer_path or (
                self.answer_path is None and path.answer == self.answer
            ):
                return path.states
        return ()
