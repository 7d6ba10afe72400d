"""Who sleeps is told: from facts to messages of any service that apprise knows.

    facts and time -> news -> a box for each service -> a letter -> the service

A process of its own (`follower.py`) that the engine does not know. All but that one, `services.py` and `memory.py` is pure.
"""
