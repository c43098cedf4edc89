"""The one walker of simulated trees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from simkernel.filesystems.node import Directory, Node

__all__ = ["walk"]


def walk(
    root: Directory,
    path: str = "",
    *,
    skip: Callable[[str], bool] = lambda path: False,
    order: Callable[[Iterable[str]], Iterable[str]] = list,
) -> Iterator[tuple[str, Node]]:
    """Yield path and node of everything below a directory, parents first.

    Links are not followed. An entry that disappears during the walk is left out.

    :param path: path of ``root``; the yielded paths begin with it and ``/``.
    :param skip: tells which paths to leave out, with everything below them.
    :param order: puts the names in one directory in order; ``list`` keeps theirs.
    """
    for name in order(root.names()):
        place = f"{path}/{name}"
        node = None if skip(place) else root.child(name)
        if node is None:
            continue
        yield place, node
        if isinstance(node, Directory):
            yield from walk(node, place, skip=skip, order=order)
