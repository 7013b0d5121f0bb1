"""Engines: token ids in, text out. Only `app.engines.vllm` imports vLLM."""
