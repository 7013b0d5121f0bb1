"""Problems through LangChain's class for OpenAI's API: `solve.py [URL]`.

LangChain keeps the answer and the usage, and drops the steps; the Python client has them
(docs/clients.md).
"""

import sys

from langchain_openai import ChatOpenAI

QUESTIONS = [
    "Tom has 5 apples. He buys 3 more apples. How many apples does Tom have now?",
    "What is 12 * 7?",
]

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
# Any name that /v1/models lists; `starter:guided` is the starter with another strategy.
model = sys.argv[2] if len(sys.argv) > 2 else "starter"
chat = ChatOpenAI(base_url=f"{url}/v1", api_key="none", model=model, timeout=120)

for piece in chat.stream(QUESTIONS[0]):
    print(piece.text, end="", flush=True)
print()
for message in chat.batch(QUESTIONS):  # at the same time
    usage = message.usage_metadata or {}
    print(message.text, "|", usage.get("output_tokens"), "tokens")
