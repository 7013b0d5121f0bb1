"""From a request to a solution: checks, runs, and what they tell."""
