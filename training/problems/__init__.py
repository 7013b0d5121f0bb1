"""Sources of maths word problems: the procedural generator and published sets."""
