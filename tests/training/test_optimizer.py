"""Our Muon is torch's, but for its precision and its batches."""

from __future__ import annotations

import pytest
import torch
from torch.nn import Parameter

from training import precision
from training.optimizer import Muon, orthogonal


@pytest.mark.parametrize("shape", [(6, 16), (16, 6), (8, 8)])
def test_a_step_is_that_of_torchs_muon(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    start = [torch.randn(shape) for _ in range(3)]
    ours = [Parameter(matrix.clone()) for matrix in start]
    theirs = [Parameter(matrix.clone()) for matrix in start]
    mine = Muon(ours, lr=0.01, weight_decay=0.1, momentum=0.95)
    reference = torch.optim.Muon(
        theirs, lr=0.01, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"
    )
    for _ in range(3):
        for left, right in zip(ours, theirs, strict=True):
            left.grad = torch.randn(shape)
            right.grad = left.grad.clone()
        mine.step()
        reference.step()
    for left, right, old in zip(ours, theirs, start, strict=True):
        moved = (right - old).norm()
        assert (left - right).norm() < 0.02 * moved, "more than bfloat16's rounding apart"


def test_updates_are_nearly_orthogonal() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(4, 12, 30)).float())
    assert ((values > 0.6) & (values < 1.3)).all()


def test_the_fast_type_is_one_the_machine_has() -> None:
    assert precision.fast() is (torch.bfloat16 if precision.has_bfloat16() else torch.float32)
