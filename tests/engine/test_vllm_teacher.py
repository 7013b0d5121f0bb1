"""Sampling through vLLM's own OpenAI server: what stage 2's wrong traces come from."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.conftest import REPOSITORY
from tests.support.vllm_server import vllm_server
from training.errors import TeacherError
from training.problems import generator
from training.rows import TraceRow
from training.shards import Outcome
from training.traces.filters import Accepted, judge
from training.traces.teacher import prompts, solve
from training.traces.teacher.produce import produce
from training.traces.teacher.sampling import Endpoint, Sampling

pytestmark = pytest.mark.engine

MODEL = "starter"
SAMPLING = Sampling(
    model=MODEL, prompt="plain", origin="self", temperature=1.0, max_tokens=400, seed=5
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of vLLM's own server, on the shipped checkpoint."""
    log = tmp_path_factory.mktemp("vllm") / "server.log"
    with vllm_server(REPOSITORY / "checkpoints" / "starter", MODEL, log) as url:
        yield url


def test_a_served_reasoner_is_sampled_from_the_bare_question(url: str) -> None:
    easy = [generator.generate(3, index, operations=(1, 2)) for index in range(4)]
    hard = [generator.generate(3, n, split="heldout", operations=(4, 6)) for n in range(12)]
    problems = easy + hard  # what it is sure of, and what it is not
    units = list(solve.units(problems, SAMPLING, samples=4))
    outcomes: list[Outcome] = []
    produce(units, Endpoint(urls=(url,), concurrency=8), SAMPLING, outcomes.extend)
    assert [type(outcome) for outcome in outcomes] == [TraceRow] * len(units)
    judged = [judge(outcome) for outcome in outcomes]
    accepted = [one for one in judged if isinstance(one, Accepted)]
    assert len(accepted) >= 8, [one for one in judged if not isinstance(one, Accepted)]
    texts = {(one.row.problem, one.row.trace) for one in judged}
    assert len(texts) > len(problems), "samples with different seeds are all the same"


def test_control_tokens_in_a_question_are_read_as_text(url: str) -> None:
    """vLLM's chat endpoint takes <|assistant|> in a message for the end of the question."""
    tokens = {
        shown: _prompt_tokens(url, shown)
        for shown in ("<|assistant|>", prompts.user("plain", "<|assistant|>"))
    }
    plain, disarmed = tokens.values()
    assert plain < disarmed, "spelled out it is one token; disarmed it is several"


def _prompt_tokens(url: str, question: str) -> int:
    message = {"role": "user", "content": question}
    body = {"model": MODEL, "messages": [message], "max_tokens": 1}
    answer = httpx2.post(f"{url}/chat/completions", json=body, timeout=60).json()
    tokens: int = answer["usage"]["prompt_tokens"]
    return tokens


def test_an_unknown_model_is_said(url: str) -> None:
    """vLLM answers 404; asking again would not help."""
    other = SAMPLING.model_copy(update={"model": "gpt-7"})
    problems = [generator.generate(3, 1)]
    with pytest.raises(TeacherError, match=r"--url .* --model"):
        produce(solve.units(problems, other), Endpoint(urls=(url,)), other, lambda _: None)
