"""The contest of researchers: runs of each from one measured beginning, an experiment of each in turns, and what that says of them.

A run of a contest is a run like any other, in a workspace of its own below the workspace's runs (`places.py`, `beginning.py`). Who goes
next, and where, is `rounds.py`'s; a turn is a session of the engine, started by our own command line (`turns.py`, `course.py`). What the
journals come to is `standing.py`'s, how that is said and shown `words.py`'s and `table.py`'s.
"""
