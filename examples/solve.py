"""Solve a problem with the Python client: `python examples/solve.py [URL]`."""

import sys

from statespace.events import SolutionCompleted, TransitionCompleted
from statewise import Client

QUESTION = "Tom has 5 apples. He buys 3 more apples. How many apples does Tom have now?"

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
with Client(url) as client:
    for event in client.stream(QUESTION):
        match event:
            case TransitionCompleted(transition=step):
                print(f"{step.label:<18} {step.verdict:<10} {step.output}")
            case SolutionCompleted(solution=solution):
                print(f"Answer: {solution.answer}")
