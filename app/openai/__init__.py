"""OpenAI's formats, made of solutions: chat completions and Responses."""
