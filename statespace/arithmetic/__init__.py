"""Exact arithmetic over the claims in running text. `statespace.verifier` is the entry point.

In the order of the data: `tokens` reads text; `quantities` and `expressions` read values from
tokens; `links` finds the two sides of every relation; `context` and `claims` judge them. Below lie
`limits`, `rationals`, `units`, `scope` and `terms`.
"""
