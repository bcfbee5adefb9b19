"""Chance that leaves nothing out: every card is dealt once before one comes again."""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np

Card = TypeVar("Card")


class Deck(Generic[Card]):
    """Cards, shuffled whenever all have been dealt."""

    def __init__(self, chance: np.random.Generator, cards: Sequence[Card]) -> None:
        self._order = self._shuffled(chance, len(cards))
        self._cards = cards

    @staticmethod
    def _shuffled(chance: np.random.Generator, size: int) -> Iterator[int]:
        while True:
            yield from chance.permutation(size).tolist()

    def deal(self) -> Card:
        """The next card."""
        return self._cards[next(self._order)]
