#!/usr/bin/env bash
# The benchmark of serving on a GPU: an 8 billion parameter Llama in bfloat16 with made-up weights.
#
#   benchmarks/gpu.sh [ARGUMENTS OF python -m benchmarks.serve …] [-- ENGINE OPTIONS …]
#   benchmarks/gpu.sh --dry-run     # on a CPU: a tiny model, one short round
#
# Needs vLLM with a GPU (`make install EXTRA=gpu`), about 24 GiB of GPU memory for each of the three
# engines that take turns, and no network. The share of the memory that each takes is
# GPU_MEMORY_SHARE, 0.3 by default. Weights take 16 GB of it, the cache 128 KiB for each token of
# context: under 120 GB of memory, 256 streams and more would wait for room in the cache, so there
# the default is 1, 16, 64 and 128.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}

if [ "${1:-}" = "--dry-run" ]; then
  shift
  exec "$python" -m benchmarks.serve --model tiny --widths 2 --pairs 1 --waves 1 --max-tokens 32 \
    --only statewise vllm bare --fresh "$@"
fi

if ! command -v nvidia-smi >/dev/null || ! nvidia-smi --list-gpus | grep -q .; then
  echo "gpu.sh: no NVIDIA GPU is visible here (nvidia-smi); --dry-run tries the command on a CPU" >&2
  exit 2
fi
if ! "$python" -c 'import torch, vllm; assert torch.cuda.is_available()' 2>/dev/null; then
  echo "gpu.sh: $python has no vLLM that can use the GPU; make install EXTRA=gpu" >&2
  exit 2
fi

arguments=()
while [ $# -gt 0 ] && [ "$1" != "--" ]; do
  arguments+=("$1")
  shift
done
[ $# -eq 0 ] || shift
memory=$(nvidia-smi --query-gpu=memory.total --format=csv,noheader,nounits | head -1)  # MiB
if [ "${memory:-0}" -lt 115000 ] && [[ " ${arguments[*]} " != *" --widths "* ]]; then
  arguments=(--widths 1 16 64 128 "${arguments[@]}")
fi
exec "$python" -m benchmarks.serve --model 8b "${arguments[@]}" -- \
  --dtype=bfloat16 --gpu-memory-utilization="${GPU_MEMORY_SHARE:-0.3}" "$@"
