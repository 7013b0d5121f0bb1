"""Takes out of a training set what overlaps with evaluation sets."""
