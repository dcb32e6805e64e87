"""The mapping between words and their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


class Vocabulary:
    """Numbers for the words that occur often enough; all others are one number, `unknown`.

    Args:
        words: all words of the training data, with repeats.
        min_count: how often a word must occur.
        special: names that come first, before `unknown` and the words, such as a class token.

    Example:
        >>> vocabulary = Vocabulary("a rose is a rose".split(), min_count=2, special=["<class>"])
        >>> vocabulary.words, vocabulary(["a", "red", "rose"])
        (['<class>', '<unknown>', 'a', 'rose'], [2, 1, 3])
    """

    def __init__(self, words: Iterable[str], *, min_count: int = 1, special: Sequence[str] = ()) -> None:
        counts = Counter(words)
        kept = sorted((word for word, count in counts.items() if count >= min_count), key=lambda w: (-counts[w], w))
        self.words = [*special, "<unknown>", *kept]
        self.unknown = len(special)
        self._number = {word: number for number, word in enumerate(self.words)}

    def __call__(self, words: Iterable[str]) -> list[int]:
        """The number of each word."""
        return [self._number.get(word, self.unknown) for word in words]

    def __len__(self) -> int:
        return len(self.words)
