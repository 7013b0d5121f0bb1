"""State-transition traces made from problems whose solution is known."""
