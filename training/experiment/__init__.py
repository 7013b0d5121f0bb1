"""The evidence: state transitions against plain chains of thought, at the same cost in tokens."""
