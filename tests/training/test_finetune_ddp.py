"""Several processes train as one: what `accelerate launch` starts with our configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.support.ports import free_port
from tests.support.tiny_models import make
from tests.training.finetune import RECIPES, command, losses, report, small, traces
from training.finetune import sft

pytestmark = pytest.mark.slow


@pytest.mark.skipif(torch.cuda.is_available(), reason="two processes on the CPU, over gloo")
def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    """With real DistributedDataParallel: the same recipe, the same losses, one output."""
    model = make("llama", tmp_path / "model")
    data = traces(tmp_path / "accepted.jsonl")
    alone = sft.run(small("llama-3-8b", model), [data], tmp_path / "alone", report())
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes=2"]
    launch += [f"--config_file={RECIPES.parent / 'accelerate' / 'ddp.yaml'}"]
    launch += [f"--main_process_port={free_port()}", "-m"]
    launch += command("sft", "llama-3-8b", model, tmp_path / "both", f"--data={data}")
    done = subprocess.run(
        launch,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is ready") == 1  # one process speaks for both
    assert losses(tmp_path / "both") == pytest.approx(losses(alone), rel=1e-3)
    both = {path.name for path in (tmp_path / "both").iterdir()}
    assert both == {path.name for path in alone.iterdir()}
