"""Chance without randomness: a draw is a hash of its name and its subject.

The same subject always draws the same number, on every machine and in every replay; another
name (another flag, another route) draws independently.
"""

from hashlib import blake2b

PARTS = 10_000
"""Draws are in 0..9999: one part is a hundredth of a percent."""


def draw(name: str, subject: str) -> int:
    """The place of `subject` among the 10 000 parts of `name`."""
    digest = blake2b(f"{name}\0{subject}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % PARTS
