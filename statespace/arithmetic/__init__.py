"""Exact arithmetic over claims found in running text: tokens, expressions, links, verdict reasons.

Reading order: `limits`, `rationals`, `tokens`, `units`, `scope`, `expressions`, `segments`, `claims`.
`statespace.verifier` is the entry point.
"""
