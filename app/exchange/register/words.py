"""Lists of words, written as prose."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list written as prose, which reads better than a column of literals."""
    return frozenset(text.split())
