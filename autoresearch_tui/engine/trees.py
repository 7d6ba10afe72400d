"""A folder as git stores it: `mode name\\0id`, one after the other, the id in bytes. Pure."""

from __future__ import annotations

EXECUTABLE, LINK = b"100755", b"120000"  # modes; any other is a plain file, a folder (40000) or a submodule (160000)


def entries(tree: bytes, width: int) -> list[tuple[bytes, bytes, bytes]]:
    """Mode, name and id of each entry, in order."""
    found = []
    at = 0
    while at < len(tree):
        end = tree.index(b"\0", at)
        mode, _, name = tree[at:end].partition(b" ")
        at = end + 1 + width
        found.append((mode, name, tree[end + 1 : at]))
    return found


def replaced(tree: bytes, name: bytes, sha: str) -> bytes:
    """The tree in which this name stands for another object. Everything else, odd modes included, stays byte for byte."""
    new = bytes.fromhex(sha)
    return b"".join(mode + b" " + known + b"\0" + (new if known == name else old) for mode, known, old in entries(tree, len(new)))
