"""Solve a problem with OpenAI's client, showing each step as it comes: `chat.py [URL]`."""

import sys

from openai import OpenAI

QUESTION = "Tom has 5 apples. He buys 3 more apples. How many apples does Tom have now?"

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
with OpenAI(base_url=f"{url}/v1", api_key="none") as client:
    model = client.models.list().data[0].id
    chunks = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    for chunk in chunks:
        delta = chunk.choices[0].delta
        # The steps: as text in `reasoning_content`, as data in `state_transition`.
        print((delta.model_extra or {}).get("reasoning_content", ""), end="")
        print(delta.content or "", end="")
print()
