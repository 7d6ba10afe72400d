"""The loop: what comes next, and how it is done so that it can be killed at any instruction."""
