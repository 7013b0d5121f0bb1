"""`python -m statewise`."""

from statewise.cli import main

main()
