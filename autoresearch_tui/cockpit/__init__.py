"""The screen: a reader of the journal and of the files that it names, whose only output is commands.

    a night -> a moment -> parts (pure) -> panes          keys -> aims (pure) -> commands -> the journal

Owns what is shown and how. Does not own a single fact: the whole of it could be deleted, and the night would still run.
"""
