"""Traces from a model behind an OpenAI-compatible endpoint: a teacher's or the student's own."""
