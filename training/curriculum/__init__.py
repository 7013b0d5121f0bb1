"""Stage 2: from wrong traces to preference pairs and to traces that verify, backtrack and repair.

wrong traces (`wrong`, `sampler`) → where they go wrong (`faults`) → `repair` → `pairs` → ids.
"""
