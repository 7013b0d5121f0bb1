"""`statewise batch`: a batch's input file answered by any server, one line after the other.

`ledger` keeps the answers, `server` asks for them, `work` does both until all lines are answered.
"""
