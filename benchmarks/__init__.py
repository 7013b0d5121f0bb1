"""Benchmarks: what reading a trace costs, and what serving it costs beside vLLM's own server."""
