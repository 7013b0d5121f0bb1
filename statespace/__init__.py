"""The vocabulary that serving and training share: actions, states, traces, text, verdicts, events.

Pure Python and pydantic: importing it loads no web framework, no torch and no inference engine.
"""
