"""The cockpit in a browser: who may come in, a page, and for each browser a cockpit in a process of its own.

The terminal that the page holds is textual-serve's, and so are its fonts. Its server is not used: it serves whoever asks, names an
address that a forwarded port does not have, loads a font from elsewhere, and leaves a process behind where a browser stops reading.
Nothing here knows what a cockpit shows.
"""
