"""The commands of `statewise`, one module each; imported when called, so that the rest is quick."""
