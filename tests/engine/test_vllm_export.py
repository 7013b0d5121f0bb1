"""A fine-tuned and merged model is served by the real engine, card and all."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.support.server_process import start
from tests.support.tiny_models import make
from tests.training.finetune import report, small, traces
from training.finetune import export, sft

pytestmark = pytest.mark.engine


def test_a_merged_adapter_is_served(tmp_path: Path) -> None:
    model = make("llama", tmp_path / "model")
    data = traces(tmp_path / "accepted.jsonl", 8)
    sft.run(small("llama-3-8b", model), [data], tmp_path / "stage1", report())
    merged = export.export(tmp_path / "stage1", tmp_path / "merged")
    server = start(tmp_path, "--model", str(merged))
    try:
        server.wait_ready()
        body = {"question": "Ann has 3 pens. She buys 4 more.", "max_tokens": 16}
        response = httpx2.post(f"{server.url}/v1/solutions", json=body, timeout=120)
        assert response.status_code == 200, response.text
        assert 1 <= response.json()["usage"]["completion_tokens"] <= 16
    finally:
        server.process.terminate()
        server.process.wait(30)
