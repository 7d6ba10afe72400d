"""Trainings that do harm, on purpose or by mistake, and what is left of it in each kind of sandbox.

An attempt (`attempts.py`) is the text of a train.py and a look from outside at whether it came through. `ground.py` is the world that it
is let loose on, with things worth taking, all of them made for it; `battery.py` lets it loose. The table of docs/containment.md is what
came of it (`python -m tests.contained.table`).
"""
