"""What is missing on this machine, and the command that mends it. A file for each group of checks; `machine.py` has the table of them.

Each file has a struct of what is seen, a `look` that fills it, and a pure `say` that makes lines of it. Nothing is changed: no package is
installed, no file is written outside a temporary folder, nothing computes on the card.
"""
