"""Numbers given out lowest first, as the kernel's ida does (lib/idr.c)."""

from __future__ import annotations

import heapq

__all__ = ["LowestFree"]


class LowestFree:
    """Hands out the lowest number that is not in use."""

    __slots__ = ("_free", "_next", "_taken")

    def __init__(self) -> None:
        self._next = 0
        self._free: list[int] = []
        self._taken: set[int] = set()

    def take(self, number: int | None = None) -> int:
        """Take the lowest free number, or the one named.

        :raises ValueError: the number named is in use.
        """
        if number is None:
            number = self._lowest()
        elif number in self._taken:
            raise ValueError(f"number {number} is in use")
        self._taken.add(number)
        return number

    def give_back(self, number: int) -> None:
        """Make a number free again."""
        self._taken.discard(number)
        if number < self._next:
            heapq.heappush(self._free, number)

    def _lowest(self) -> int:
        while self._free:
            number = heapq.heappop(self._free)
            if number not in self._taken:
                return number
        while self._next in self._taken:
            self._next += 1
        self._next += 1
        return self._next - 1
