"""Who may ask, how much and when: keys, limits, the queue in front of the engine."""
