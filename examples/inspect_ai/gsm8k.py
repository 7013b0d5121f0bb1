"""GSM8K's problems for inspect_ai, with a scorer that looks at the answer and one at the steps.

    export STATEWISE_BASE_URL=http://127.0.0.1:8000/v1 STATEWISE_API_KEY=none
    inspect eval examples/inspect_ai/gsm8k.py -T path=data/gsm8k/test.jsonl \
        --model openai-api/statewise/starter --limit 100

`openai-api/statewise/…` reads those two variables; the last part is any name of /v1/models. The
steps arrive as reasoning and stay in the log: `inspect view` shows them beside each answer.
"""

import re

from inspect_ai import Task, task
from inspect_ai.dataset import Sample, json_dataset
from inspect_ai.model import ContentReasoning
from inspect_ai.scorer import Score, Scorer, Target, accuracy, mean, scorer, stderr
from inspect_ai.solver import TaskState, generate

BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
STATE = re.compile(r"^(?:Path \d+ · )?State \d+ · ", re.MULTILINE)
REFUTED = re.compile(r"^(?:Path \d+ · )?State \d+ · .* · ✗ refuted", re.MULTILINE)


@task
def gsm8k(path: str = "data/gsm8k/test.jsonl") -> Task:
    """The problems of a file in GSM8K's own format."""
    return Task(
        dataset=json_dataset(path, _sample),
        solver=generate(),
        scorer=[answer(), steps()],
    )


@scorer(metrics=[accuracy(), stderr()])
def answer() -> Scorer:
    """Whether the number in the last box is the one wanted."""

    async def score(state: TaskState, target: Target) -> Score:
        found = BOXED.findall(state.output.completion)
        said = found[-1].replace(",", "") if found else ""
        return Score(value=_number(said) == _number(target.text), answer=said)

    return score


@scorer(metrics=[mean()])
def steps() -> Scorer:
    """The share of states that the service's verifier did not refute."""

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        content = state.output.message.content
        parts = [] if isinstance(content, str) else content
        said = "\n".join(part.reasoning for part in parts if isinstance(part, ContentReasoning))
        states, refuted = len(STATE.findall(said)), len(REFUTED.findall(said))
        return Score(value=1 - refuted / states if states else 0.0, answer=f"{refuted}/{states}")

    return score


def _sample(record: dict[str, str]) -> Sample:
    gold = record["answer"].split("####")[-1].strip().replace(",", "")
    return Sample(input=record["question"], target=gold)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
