"""lm-eval's own client of chat completions, on problems of GSM8K."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.engines.scripted import Script, ScriptedEngine
from statespace.actions import Action
from statespace.text import render
from tests.support.server import local_server

PROBLEMS = 20
RIGHT = 15


def trace(answer: str) -> str:
    """A solution whose steps hold what lm-eval stops at, which must not end them."""
    return render(
        [
            (Action.DECOMPOSE, "Question: what is asked?"),
            (Action.SOLVE_PARENT, f"It is {answer}."),
            (Action.SUMMARIZE, rf"The final answer is \boxed{{{answer}}}."),
        ]
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_lm_eval_scores_the_answers(repository: Path, data_dir: Path, tmp_path: Path) -> None:
    """Each question arrives as it stands in the file, and only the answer is scored."""
    lines = (data_dir / "gsm8k" / "test.jsonl").read_text("utf-8").splitlines()[:PROBLEMS]
    (tmp_path / "data" / "gsm8k").mkdir(parents=True)
    (tmp_path / "data" / "gsm8k" / "test.jsonl").write_text("\n".join(lines), "utf-8")
    rows = [json.loads(line) for line in lines]
    recordings = {
        row["question"]: trace(row["answer"].split("####")[1].strip() if index < RIGHT else "-1")
        for index, row in enumerate(rows)
    }
    engine = ScriptedEngine(Script({"?": "no such question"} | recordings, delay_s=0))
    with local_server(engine) as server:
        done = subprocess.run(
            [sys.executable, "-m", "lm_eval", "run", "--model", "local-chat-completions",
             "--model_args", f"model=scripted,base_url={server.url}/v1/chat/completions,"
             "num_concurrent=4,max_retries=1,tokenized_requests=False",
             "--tasks", "statewise_gsm8k", "--include_path", str(repository / "examples/lm_eval"),
             "--apply_chat_template", "--output_path", "out"],
            cwd=tmp_path,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1",
                 "HF_HOME": str(tmp_path / "hf")},
            capture_output=True,
            text=True,
            timeout=580,
            check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(next((tmp_path / "out").rglob("results_*.json")).read_text())
    assert results["n-samples"]["statewise_gsm8k"]["effective"] == PROBLEMS
    assert results["results"]["statewise_gsm8k"]["exact_match,boxed"] == RIGHT / PROBLEMS
