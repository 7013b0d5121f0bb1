"""What the machine computes quickly.

Without vector instructions for it, a CPU multiplies bfloat16 matrices 50 times slower than float32
ones (1.3 against 62 GFLOP/s on a core with AVX2 alone).
"""

from __future__ import annotations

import torch


def has_bfloat16() -> bool:
    """Whether bfloat16 is at least as fast as float32: on GPUs, and CPUs with AVX-512."""
    return torch.cuda.is_available() or torch.backends.cpu.get_cpu_capability() == "AVX512"


def fast() -> torch.dtype:
    """The narrowest type that the machine computes with at full speed."""
    return torch.bfloat16 if has_bfloat16() else torch.float32


def device() -> torch.device:
    """Where models answer: the first GPU, if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
