"""Allocation of the lowest free number, like the kernel's ida."""

from __future__ import annotations

import heapq

__all__ = ["LowestFree"]


class LowestFree:
    """Allocates the lowest free number.

    Source: lib/idr.c ida_alloc_range(), ida_free().
    """

    __slots__ = ("_free", "_next", "_taken")

    def __init__(self) -> None:
        self._next = 0
        self._free: list[int] = []
        self._taken: set[int] = set()

    def take(self, number: int | None = None) -> int:
        """Allocate the lowest free number, or ``number``.

        :raises ValueError: ``number`` is in use.
        """
        if number is None:
            number = self._lowest()
        elif number in self._taken:
            raise ValueError(f"number {number} is in use")
        self._taken.add(number)
        return number

    def give_back(self, number: int) -> None:
        """Free a number."""
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
