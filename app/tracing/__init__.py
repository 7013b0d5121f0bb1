"""Traces in OpenTelemetry's form: a request, its solution, what the engine is asked, transitions.

Switched on by OpenTelemetry's own variables. Off, nothing of it is imported or recorded.
"""
